/* The time series of a heap: what was live, and resident, at which moments.
 *
 *      points   . .:|:. .|       |.   .          a stretch without a point: nothing changed
 *      stay     first, lowest, highest, last of each; of the others steps that are no small ones,
 *               and no more than there is room for
 */
#ifndef MP_RECORD_HEAP_SERIES_H
#define MP_RECORD_HEAP_SERIES_H

#include <stdint.h>

enum {
    MP_HEAP_POINTS = 1024,   /* of the series; then its resolution halves */
    MP_HEAP_STAY = 8,        /* of a stretch of it, at most */
    MP_HEAP_STEP_PART = 256, /* a small step is such a part of the peak, */
    MP_HEAP_STEP = 1 << 16,  /* or so many bytes */
};

/* The heap is what it was at this moment and until the next point: each change of more than 64 KiB
   is seen. `rss` is the latest reading. */
struct mp_heap_point {
    int64_t time; /* ns since the start */
    int64_t rss, heap;
};

/* Points are in points[bank]; the other bank is where the halved series is prepared. Of those in
   a stretch of `interval` the first, the lowest and the highest stay, of heap and RSS, and the last
   one: what was so through the time, however long, until the next. Of the others small steps go; where
   there are fewer than MP_HEAP_STAY in a stretch nothing else has. */
struct mp_heap_series {
    int64_t interval; /* ns; stretch i begins at i * interval */
    uint32_t bank, count[2];
    uint32_t refused; /* not of the series: errno of the file's first growth that failed */
    struct mp_heap_point points[2][MP_HEAP_POINTS];
};

/* Adds a point that is not before the last one, of a heap that had `peak` bytes. Whoever reads
   meanwhile, or a kill, finds a series that may lack it. */
void mp_heap_series_add(struct mp_heap_series *, struct mp_heap_point, int64_t peak);

/* Smaller steps of the heap may not be in the series. */
static inline int64_t mp_heap_small_step(int64_t peak)
{
    int64_t part = peak / MP_HEAP_STEP_PART;
    return part > MP_HEAP_STEP ? part : MP_HEAP_STEP;
}

#endif
