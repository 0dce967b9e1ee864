/* The two number formats of recordings, without printf: MiB with 3 to 6 decimals as "%.6f"
 * rounds them (half to even), and seconds with 3 to 6 decimals. Used inside profiled processes,
 * so no allocation and no locale. */
#ifndef MP_BASE_NUMBER_H
#define MP_BASE_NUMBER_H

#include <stdint.h>

/* Each writes at `out` (24 bytes are enough) and returns the end of what it wrote. */
char *mp_number_put_integer(char *out, int64_t value);
char *mp_number_put_mib(char *out, int64_t bytes, int decimals);
char *mp_number_put_seconds(char *out, int64_t nanoseconds, int decimals);

#endif
