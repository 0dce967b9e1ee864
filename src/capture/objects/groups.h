/* Objects that are held alike: in one container, or in attributes of one name of objects that are held
 * alike. The groups are a tree beside the shortest ways.
 *
 *     app.cache ─ ._data ─ ['user:1'] ─ .rows         app.cache ─ ._data ─ ['user:…'] ─ .rows   x 2
 *                       └─ ['user:2'] ─ .rows   ──►
 */
#ifndef MP_CAPTURE_OBJECTS_GROUPS_H
#define MP_CAPTURE_OBJECTS_GROUPS_H

#include "capture/objects/dominators.h"
#include "capture/objects/path.h"

struct mp_group {
    struct mp_label label;
    uint32_t parent;  /* its number; 0: none */
    uint32_t members; /* nodes in it, wanted or on the way to one */
    uint32_t first;   /* of the wanted ones the nearest to a root; 0: none is */
    bool repeats;     /* its nodes lead to others of it: a linked list's */
    uint64_t count, bytes, retained; /* of the wanted ones */
    uint64_t apart; /* retained by those that no wanted one of any group retains */
};

struct mp_groups {
    struct mp_group *groups; /* owned, as all; the first is what no way leads to */
    uint32_t *slots;
    uint32_t *of; /* the group of a node; 0 behind the ways: it is in none */
    uint32_t nodes, count;
};

/* Of the nodes that are wanted. Without malloc. 0, or -1 with errno ENOMEM. */
int mp_groups_init(struct mp_groups *, const struct mp_graph *, const struct mp_reach *,
                   const struct mp_dominators *, const uint8_t *wanted);
void mp_groups_release(struct mp_groups *);

/* Whether a node's group has others: for paths. */
bool mp_groups_has_others(const void *groups, uint32_t node);

#endif
