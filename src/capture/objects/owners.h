/* The dominator tree, as far as it is worth drawing: what retains much, each below the nearest above it that does, and
 * below these, by type, what retains little for itself and much together.
 *
 *     app.cache._data  31 MiB
 *         60,000 Node  28 MiB
 *     app.log           4 MiB
 */
#ifndef MP_CAPTURE_OBJECTS_OWNERS_H
#define MP_CAPTURE_OBJECTS_OWNERS_H

#include "capture/objects/dominators.h"
#include "capture/objects/graph.h"

enum { MP_OWNERS_MOST = 120 }; /* alone, and as many by type */

struct mp_owner {
    uint32_t node; /* the object, or the first of them */
    uint32_t
        above; /* the position of the one that keeps it, from 1 on; 0: nothing does alone */
    const PyTypeObject *type;
    uint64_t count, bytes, retained;
};

struct mp_owners {
    struct mp_owner owners[2 * MP_OWNERS_MOST]; /* behind those that they are below */
    uint32_t count;
};

/* About 25 ns an object. 0, or -1 with errno ENOMEM. */
int mp_owners_find(struct mp_owners *, const struct mp_graph *,
                   const struct mp_dominators *);

#endif
