/* The two number formats of .dat files, without printf: MiB with 4 or 6 decimals as "%.6f"
 * rounds them (half to even), and seconds with 4 or 6 decimals. Used inside profiled processes,
 * so no allocation and no locale. */
#ifndef MP_STORE_DAT_NUMBER_H
#define MP_STORE_DAT_NUMBER_H

#include <stdint.h>

/* Each writes at `out` (24 bytes are enough) and returns the end of what it wrote. */
char *mp_dat_put_integer(char *out, int64_t value);
char *mp_dat_put_mib(char *out, int64_t bytes, int decimals);
char *mp_dat_put_seconds(char *out, int64_t nanoseconds, int decimals);

#endif
