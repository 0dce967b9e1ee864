/* By which of the user's own lines a library's line was reached, and how much each led to.
 * For the time of summing lines up. */
#ifndef MP_AGGREGATE_HEAP_ORIGINS_H
#define MP_AGGREGATE_HEAP_ORIGINS_H

#include "aggregate/heap_lines.h"
#include "aggregate/heap_stacks.h"

struct mp_heap_origin {
    uint32_t line; /* position of the library's line */
    uint32_t code; /* of the user's; 0: no line of the user's led there */
    int number;
    uint64_t by[MP_HEAP_ORDERS];
};

struct mp_heap_origins {
    const struct mp_heap_view *view; /* borrowed, as the stacks are */
    const struct mp_heap_stacks *stacks;
    uint32_t *users; /* owned; of each node: the nearest above that is the user's, or 0 */
    struct mp_heap_origin *origins; /* owned; there are at most as many as nodes */
    size_t count;
    uint32_t *slots; /* owned: an index of the origins, positions + 1 */
    size_t mask;
};

/* `own` NULL: no node is the user's. 0, or -1 with errno ENOMEM; release whatever the result. */
int mp_heap_origins_init(struct mp_heap_origins *, const struct mp_heap_view *,
                         const struct mp_heap_stacks *, const struct mp_heap_own *own);
void mp_heap_origins_release(struct mp_heap_origins *);

/* The position of the origin of a node's share of a line, made when there is none. */
uint32_t mp_heap_origins_find(struct mp_heap_origins *, uint32_t line, uint32_t node);

#endif
