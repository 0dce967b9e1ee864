/* The fields of one .dat line, taken off one by one. */
#ifndef MP_STORE_DAT_FIELDS_H
#define MP_STORE_DAT_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mp_fields {
    const char *at, *end;
    bool failed; /* sticky: a field was missing or malformed */
};

/* Each takes the next field and the blank behind it. Failed: 0. */
int64_t mp_fields_mib(struct mp_fields *);     /* bytes, not negative, below 2^62 */
int64_t mp_fields_seconds(struct mp_fields *); /* ns, not negative, below 2^62 */
int64_t mp_fields_percent(struct mp_fields *); /* 1/MP_PERCENT, in the same range */
int mp_fields_integer(struct mp_fields *);     /* not negative */

/* Takes the last field off the end, leaving the rest. */
struct mp_fields mp_fields_take_last(struct mp_fields *);

/* No failure so far and nothing left. */
bool mp_fields_done(const struct mp_fields *);

#endif
