/* How much growth is too much, as options say it. */
#ifndef MP_CMD_HEAP_LIMIT_H
#define MP_CMD_HEAP_LIMIT_H

#include "report/heap/limit.h"

/* "10MiB", "512K", "4096", "5%". NULL, or what is wrong with it. */
const char *mp_heap_take_limit(struct mp_heap_limit *, const char *value);

#endif
