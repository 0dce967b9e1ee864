/* What a heap capture's time series says: resident memory beside the heap, when it mattered. */
#ifndef MP_AGGREGATE_HEAP_SERIES_H
#define MP_AGGREGATE_HEAP_SERIES_H

#include <stddef.h>

#include "record/heap.h"

/* The points that count; NULL and 0 when there are none. */
const struct mp_heap_point *mp_heap_points(const struct mp_heap_view *, size_t *count);

/* Points of the series, NULL when there are none: the one with the largest heap (of equal ones
   that with the larger RSS: a block is touched after it is allocated), the one with the largest
   RSS, the last one. Where another moment is shown in place of the peak, `peak` is what was so then. */
struct mp_heap_marks {
    const struct mp_heap_point *peak, *most, *end;
};

struct mp_heap_marks mp_heap_marks(const struct mp_heap_view *);

/* Between which bounds is what several processes held at the most; 0, 0: not known, also of another moment. */
struct mp_heap_bounds mp_heap_bounds(const struct mp_heap_view *);

/* The largest RSS and heap in each of `count` equal stretches of the run, that of the point before
   it included: it stands until the next. 0 before the first. */
void mp_heap_buckets(const struct mp_heap_view *, struct mp_heap_point *buckets,
                     size_t count);

#endif
