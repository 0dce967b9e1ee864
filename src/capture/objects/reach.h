/* The shortest way from the root to each object, breadth first. Roots come in turns: what modules hold is
 * called by a module's name even where a local holds it too, and by C code only if by no name.
 */
#ifndef MP_CAPTURE_OBJECTS_REACH_H
#define MP_CAPTURE_OBJECTS_REACH_H

#include <stdint.h>

#include "record/object_graph.h"

#define MP_NOT_REACHED UINT32_MAX

/* Roots of one turn: those of the graph before `end` that were not before. */
struct mp_reach_turn {
    uint32_t end;
    uint32_t
        distance; /* they stand as far off as objects of that distance; UINT32_MAX: behind all */
};

struct mp_reach {
    uint32_t nodes;
    uint32_t count;   /* reached, without the root */
    uint32_t *parent; /* owned: of a node, 0: a root; MP_NOT_REACHED */
    uint32_t *order;  /* owned: nodes, nearest first */
};

/* Without malloc. About 30 ns a reference. 0, or -1 with errno ENOMEM. */
int mp_reach_init(struct mp_reach *, const struct mp_object_graph *,
                  const struct mp_reach_turn *, uint32_t turns);
void mp_reach_release(struct mp_reach *);

#endif
