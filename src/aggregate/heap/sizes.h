/* How large the blocks of a heap capture are. A capture has no sizes of single blocks but the bytes and
 * blocks of each stack: all blocks of a stack count with their mean.
 *
 *     class 0: 0 or 1 byte, 1: 2, 2: 3 to 4, 3: 5 to 8, ... up to 2^class
 */
#ifndef MP_AGGREGATE_HEAP_SIZES_H
#define MP_AGGREGATE_HEAP_SIZES_H

#include "record/heap.h"

enum { MP_HEAP_SIZE_CLASSES = 65 };

struct mp_heap_size_class {
    uint64_t blocks, bytes; /* ever allocated, or live then */
    uint64_t stacks;
};

struct mp_heap_sizes {
    struct mp_heap_size_class classes[MP_HEAP_KINDS][MP_HEAP_SIZE_CLASSES];
    uint64_t without[MP_HEAP_KINDS]; /* bytes that have no blocks: mappings */
    uint64_t stacks;                 /* that allocated, or held some */
};

/* Of all that was allocated; of a view of one moment, of what was live then. */
void mp_heap_sizes_count(struct mp_heap_sizes *, const struct mp_heap_view *);

#endif
