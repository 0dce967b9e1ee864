/* A capture's call stacks as a flame graph: one frame for each function and line under the same
 * caller, with all that was allocated in it and below, pruned to what can be drawn.
 *
 *     whole 100 ─┬─ main:3  90 ─┬─ load:7  80
 *                │              └─ 12 smaller stacks  10     every level sums exactly
 *                └─ 4 smaller stacks  10
 *
 * Inverted, a frame's callers are below it: first the lines that allocated, each with who led there.
 *
 *     whole 100 ─┬─ load:7  85 ─┬─ main:3  80
 *                │              └─ other:9  5
 *                └─ ...
 *
 * The frames of what launched the program are not shown, nor are ours.
 */
#ifndef MP_AGGREGATE_HEAP_FLAME_H
#define MP_AGGREGATE_HEAP_FLAME_H

#include "aggregate/heap/flame_frames.h"

/* 0, or -1 with errno ENOMEM. Time and memory are proportional to the capture's stacks. */
int mp_flame_init(struct mp_flame *, const struct mp_heap_view *,
                  const struct mp_flame_options *);

/* Both ways from one pass over the stacks: as they are, and inverted. Where cycles are to be folded and there are
   none both stay empty. */
int mp_flame_init_both(struct mp_flame both[2], const struct mp_heap_view *,
                       const struct mp_flame_options *);
void mp_flame_release(struct mp_flame *);

#endif
