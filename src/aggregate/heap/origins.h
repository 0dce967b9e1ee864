/* By which of the user's own lines a library's line was reached, and how much each led to.
 * For the time of summing lines up. */
#ifndef MP_AGGREGATE_HEAP_ORIGINS_H
#define MP_AGGREGATE_HEAP_ORIGINS_H

#include "aggregate/heap/order.h"
#include "aggregate/heap/own.h"
#include "base/slots.h"

struct mp_heap_origin {
    uint32_t line; /* the library's, by its number */
    uint32_t user; /* the user's; 0: none led there */
    uint64_t by[MP_HEAP_ORDERS];
};

struct mp_heap_origins {
    const uint32_t *places; /* borrowed; of each node: its line's number */
    uint32_t *users; /* owned; of each node: the nearest above that is the user's, or 0 */
    struct mp_heap_origin *origins; /* owned; there are at most as many as nodes */
    size_t count;
    struct mp_slots slots; /* owned: positions + 1 of the origins */
};

/* `own` NULL: no node is the user's. 0, or -1 with errno ENOMEM; release whatever the result. */
int mp_heap_origins_init(struct mp_heap_origins *, const struct mp_heap_view *,
                         const uint32_t *places, const struct mp_heap_own *own);
void mp_heap_origins_release(struct mp_heap_origins *);

/* The position + 1 of the origin of a node's share of its line, made when there is none; 0 with errno
   ENOMEM. */
uint32_t mp_heap_origins_find(struct mp_heap_origins *, uint32_t node);

#endif
