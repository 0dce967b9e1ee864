/* The line of the user's own that led to most bytes at the peak: what to look at first. */
#ifndef MP_AGGREGATE_HEAP_HEAVIEST_H
#define MP_AGGREGATE_HEAP_HEAVIEST_H

#include "aggregate/heap/own.h"

struct mp_heap_share {
    uint32_t code; /* 0: no line of the user's led to any */
    int line;
    int64_t
        at_peak; /* bytes, of all that it called too, up to the next line of the user's */
};

/* 0, or -1 with errno ENOMEM. */
int mp_heap_heaviest_users(struct mp_heap_share *, const struct mp_heap_view *,
                           const struct mp_heap_own *);

#endif
