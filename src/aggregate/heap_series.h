/* What a heap capture's time series says: resident memory beside the heap, when it mattered. */
#ifndef MP_AGGREGATE_HEAP_SERIES_H
#define MP_AGGREGATE_HEAP_SERIES_H

#include <stddef.h>

#include "record/heap.h"

/* The points that count; NULL and 0 when there are none. */
const struct mp_heap_point *mp_heap_points(const struct mp_heap_view *, size_t *count);

/* Points of the series, NULL when there are none: the one with the largest heap, the one with
   the largest RSS, the last one. */
struct mp_heap_marks {
    const struct mp_heap_point *peak, *most, *end;
};

struct mp_heap_marks mp_heap_marks(const struct mp_heap_view *);

/* The largest RSS and heap in each of `count` equal stretches of the run; where there is no
   point, those of the point before, 0 before the first. */
void mp_heap_buckets(const struct mp_heap_view *, struct mp_heap_point *buckets,
                     size_t count);

#endif
