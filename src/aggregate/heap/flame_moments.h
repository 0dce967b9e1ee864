/* What the frames of a flame graph held at each moment of a capture: only what changed, so that it stays small.
 *
 *     instants   start  2.1 s  4.2 s  peak   end
 *     load:7         0     10     10    30     0     ─►  (1, 10) (3, 30) (4, 0)
 */
#ifndef MP_AGGREGATE_HEAP_FLAME_MOMENTS_H
#define MP_AGGREGATE_HEAP_FLAME_MOMENTS_H

#include "aggregate/heap/flame_frames.h"
#include "aggregate/heap/moments.h"

/* From this instant on until the frame's next. */
struct mp_flame_held {
    uint32_t frame, instant;
    int64_t bytes; /* of the frame itself */
};

struct mp_flame_moments {
    struct mp_flame_held *held; /* owned; by frame, then by instant */
    size_t count;
    int64_t rest[MP_HEAP_INSTANTS]; /* what no frame here held at each */
};

/* Of a graph with its places. Frames that never held a fifty thousandth of the peak are in the rest, as what a moment does
   not know is; of the peak and the end that is left out alike. 0, or -1 with errno ENOMEM; release it
   either way. */
int mp_flame_moments_init(struct mp_flame_moments *, const struct mp_heap_view *,
                          const struct mp_flame *, const struct mp_heap_instant *instants,
                          size_t count);
void mp_flame_moments_release(struct mp_flame_moments *);

#endif
