/* Every object that can be found, and what each refers to, as numbers. Begins with what the collector
 * follows and goes on to all that these refer to, so text and numbers too. About 150 ns an object.
 *
 *     gc's lists ─┐
 *     modules     ├─► objects by number ─► references of each ─► more objects ...
 *     frames     ─┘
 */
#ifndef MP_CAPTURE_OBJECTS_GRAPH_H
#define MP_CAPTURE_OBJECTS_GRAPH_H

#include "capture/objects/roots.h"

#include "record/object_graph.h"

/* Whose roots come first: named ones, then what only C code holds, then what it holds too. */
enum mp_root_turn {
    MP_TURN_MODULES,
    MP_TURN_FRAMES,
    MP_TURN_NATIVE,
    MP_TURN_SHARED,
    MP_ROOT_TURNS
};

struct mp_graph {
    struct mp_object_graph graph; /* its arrays are those below */
    PyObject **objects;           /* owned, as all: by number; not of 0 */
    uint32_t *slots;              /* numbers by address, open addressing */
    uint32_t *first, *edges, *roots;
    struct mp_root *held; /* the roots in their order: what is said of each */
    size_t mask, count, edge_count, root_count;
    size_t objects_room, first_room, edges_room, roots_room, held_room;
    uint32_t turns[MP_ROOT_TURNS]; /* how many roots there are behind each of the turns */
    uint32_t
        aside;   /* the number of an object that is ours: nothing is reached through it */
    bool failed; /* no memory */
};

/* The caller has the interpreter's lock, or is a child of who has. Changes nothing outside, and does not call
   malloc. `aside` holds what was asked for, or is NULL; `own` as of mp_roots_visit(). 0, or -1 with
   errno ENOMEM. */
int mp_graph_init(struct mp_graph *, PyObject *aside, const char *own);
void mp_graph_release(struct mp_graph *);

/* An object's number; 0: it is not there. */
uint32_t mp_graph_find(const struct mp_graph *, const PyObject *);

/* What is known of a root; NULL: the node is none. */
const struct mp_root *mp_graph_root(const struct mp_graph *, uint32_t node);

#endif
