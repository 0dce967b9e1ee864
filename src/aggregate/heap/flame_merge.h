/* The stacks of a capture merged into frames: one for each function and line under the same caller. */
#ifndef MP_AGGREGATE_HEAP_FLAME_MERGE_H
#define MP_AGGREGATE_HEAP_FLAME_MERGE_H

#include "aggregate/heap/flame_frames.h"

/* Frames whose figures are their own alone, with their places where they are wanted. Where cycles are to be
   folded, whether there are any. 0, or -1 with errno ENOMEM; release it either way. */
int mp_flame_merge(struct mp_flame *, const struct mp_heap_view *,
                   const struct mp_flame_options *, bool *cycles);

#endif
