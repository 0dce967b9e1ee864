/* Sizes as users write them, and as they read them. */
#ifndef MP_CMD_SHARED_SIZE_H
#define MP_CMD_SHARED_SIZE_H

#include <stdint.h>

/* Bytes of "500M", "1.5G", "200MB", "64 KiB", "4096"; units are of 1,024. -1: it says no size. */
int64_t mp_size_parse(const char *text);

/* Says that a peak is over a budget: "mprof: a.dat: peak 512.0 MiB, 12.0 MiB over --max 500.0 MiB".
   Returns MP_EXIT_FAILURE where it is, else 0; -1 is no budget. */
int mp_size_check(const char *what, int64_t peak, int64_t most);

#define MP_SIZE_PROBLEM "not a size, such as 500M, 1.5G or 4096"

#endif
