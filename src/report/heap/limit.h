/* Which growth is too much. */
#ifndef MP_REPORT_HEAP_LIMIT_H
#define MP_REPORT_HEAP_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct mp_heap_limit {
    bool set, is_share;
    double share;  /* of all that there was before */
    int64_t bytes; /* where it is no share */
};

/* Whether a growth is more, of what was `before`. */
static inline bool mp_heap_limit_is_over(const struct mp_heap_limit *limit, int64_t growth,
                                         int64_t before)
{
    double most = limit->is_share ? limit->share * (double)before : (double)limit->bytes;
    return limit->set && growth > 0 && (double)growth > most;
}

#endif
