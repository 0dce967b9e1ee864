/* The call stacks of two captures as one flame graph: what each frame held before and after, with all that
 * it called.
 *
 *     main:3   before 90 after 120  ─┬─ load:7   80   80
 *              grew 40 shrank 10     ├─ keep:9    0   40     grew and shrank: of the stacks apart,
 *                                    └─ drop:8   10    0     so that each sums up by itself
 */
#ifndef MP_AGGREGATE_HEAP_DIFF_FLAME_H
#define MP_AGGREGATE_HEAP_DIFF_FLAME_H

#include "aggregate/heap/diff.h"

struct mp_diff_frame {
    enum mp_heap_difference_kind kind;
    uint32_t parent; /* position, lower than its own; the root, 0, is its own */
    uint32_t depth;  /* 0 for the root */
    uint32_t code[MP_HEAP_SIDES]; /* 0: it is not there */
    int line[MP_HEAP_SIDES];
    int64_t bytes[MP_HEAP_SIDES];
    int64_t grew, shrank; /* bytes of the stacks below that grew, and that shrank */
    struct mp_heap_difference_key key;
};

struct mp_diff_flame {
    struct mp_diff_frame *frames; /* owned; callers before callees */
    size_t count, room;
};

/* Of a comparison that is not by process. Frames are at most `most`: those with the smallest share of any
   of the four figures are left out, and in their callers alone. 0, or -1 with errno ENOMEM. */
int mp_diff_flame_init(struct mp_diff_flame *, const struct mp_heap_diff *, size_t most);
void mp_diff_flame_release(struct mp_diff_flame *);

#endif
