/* What the frames of a flame graph hold themselves is, by type, as much of it as a page carries: of each count the
 * largest of them.
 *
 *     load:7     dict 30, str 12     at the end
 *     index:3    list 8
 */
#ifndef MP_AGGREGATE_HEAP_FLAME_TYPES_H
#define MP_AGGREGATE_HEAP_FLAME_TYPES_H

#include "aggregate/heap/censuses.h"
#include "aggregate/heap/flame_frames.h"

struct mp_flame_typed {
    uint32_t census, type, frame; /* frame 0: of no stack that has one */
    int64_t bytes;                /* of objects, and what they keep */
};

struct mp_flame_types {
    struct mp_flame_typed *typed; /* owned; by census, type and frame */
    size_t count;
};

/* Of a graph with its places. 0, or -1 with errno ENOMEM; release it either way. */
int mp_flame_types_init(struct mp_flame_types *, const struct mp_heap_censuses *,
                        const struct mp_flame *);
void mp_flame_types_release(struct mp_flame_types *);

#endif
