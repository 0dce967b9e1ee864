#include "capture/objects/owners.h"

#include <errno.h>
#include <string.h>

#include "base/pages.h"
#include "capture/heap/accounting/open_addressing.h"
#include "capture/objects/sizes.h"

/* Of all that is retained, what is drawn. What one thing below it has nearly all of is not: that one is. */
enum { LEAST_SHARE = 500, NEARLY = 98, SLOTS = 1 << 14 };

/* Below which nothing has a place of its own: what is there is part of the group above. */
static const uint32_t inside = UINT32_MAX;

struct finding {
    struct mp_owners *owners;
    const struct mp_graph *graph;
    const struct mp_dominators *tree;
    uint64_t least;
    uint64_t *below; /* owned, as all: by number, the most that one below it retains */
    uint32_t *state; /* by number: the position of the nearest owner, 0: none, or inside */
    struct mp_owner *groups;
};

static bool is_passed_through(const struct finding *finding, uint32_t k)
{
    uint64_t retained = finding->tree->retained[k];
    return retained >= finding->least && finding->below[k] >= retained / 100 * NEARLY;
}

static void find_below(const struct finding *finding)
{
    const struct mp_dominators *tree = finding->tree;
    for (uint32_t k = 1; k < tree->count; k++) {
        uint64_t *above = &finding->below[tree->dominator[k]];
        *above = tree->retained[k] > *above ? tree->retained[k] : *above;
    }
}

/* The largest first, and above is larger: among them are all that they are below. */
static void keep(struct mp_owner *owners, uint32_t *count, uint32_t first,
                 const struct mp_owner *one)
{
    uint32_t at = *count;
    while (at > first && owners[at - 1].retained < one->retained)
        at--;
    if (at == first + MP_OWNERS_MOST)
        return;
    *count += *count < first + MP_OWNERS_MOST;
    memmove(&owners[at + 1], &owners[at], (*count - at - 1) * sizeof *owners);
    owners[at] = *one;
}

static void choose_alone(const struct finding *finding)
{
    const struct mp_dominators *tree = finding->tree;
    struct mp_owners *owners = finding->owners;
    for (uint32_t k = 1; k < tree->count; k++) {
        const PyObject *object = finding->graph->objects[tree->node[k]];
        const struct mp_owner one = {tree->node[k],    0, Py_TYPE(object), 1, 0,
                                     tree->retained[k]};
        if (one.retained >= finding->least && !is_passed_through(finding, k))
            keep(owners->owners, &owners->count, 0, &one);
    }
    for (uint32_t i = 0; i < owners->count; i++) {
        struct mp_owner *owner = &owners->owners[i];
        owner->bytes = mp_size_of(finding->graph->objects[owner->node]);
        finding->state[tree->number[owner->node]] = i + 1;
    }
}

static void group(const struct finding *finding, uint32_t above, uint32_t k)
{
    uint32_t node = finding->tree->node[k];
    PyObject *object = finding->graph->objects[node];
    const PyTypeObject *type = Py_TYPE(object);
    size_t at = mp_open_addressing_home((uintptr_t)type + above * (uintptr_t)40503, SLOTS);
    size_t tried = 0;
    while (finding->groups[at].count &&
           (finding->groups[at].type != type || finding->groups[at].above != above))
        if (at = (at + 1) & (SLOTS - 1), ++tried == SLOTS)
            return; /* there are too many */
    struct mp_owner *own = &finding->groups[at];
    if (!own->count)
        *own = (struct mp_owner){.node = node, .above = above, .type = type};
    own->count++;
    own->bytes += mp_size_of(object);
    own->retained += finding->tree->retained[k];
}

/* A dominator's number is smaller. */
static void place(const struct finding *finding)
{
    const struct mp_dominators *tree = finding->tree;
    for (uint32_t k = 1; k < tree->count; k++) {
        uint32_t above = finding->state[tree->dominator[k]], own = finding->state[k];
        if (own) {
            finding->owners->owners[own - 1].above = above;
        } else if (above == inside || is_passed_through(finding, k)) {
            finding->state[k] = above;
        } else {
            group(finding, above, k);
            finding->state[k] = inside;
        }
    }
}

static void choose_groups(const struct finding *finding)
{
    struct mp_owners *owners = finding->owners;
    uint32_t first = owners->count;
    for (uint32_t i = 0; i < SLOTS; i++)
        if (finding->groups[i].retained >= finding->least)
            keep(owners->owners, &owners->count, first, &finding->groups[i]);
}

int mp_owners_find(struct mp_owners *owners, const struct mp_graph *graph,
                   const struct mp_dominators *tree)
{
    struct finding finding = {owners, graph, tree, tree->retained[0] / LEAST_SHARE + 1,
                              NULL,   NULL,  NULL};
    owners->count = 0;
    finding.below = mp_pages_new(tree->count, sizeof *finding.below);
    finding.state = mp_pages_new(tree->count, sizeof *finding.state);
    finding.groups = mp_pages_new(SLOTS, sizeof *finding.groups);
    bool failed = !finding.below || !finding.state || !finding.groups;
    if (!failed) {
        find_below(&finding);
        choose_alone(&finding);
        place(&finding);
        choose_groups(&finding);
    }
    mp_pages_free(finding.below, tree->count, sizeof *finding.below);
    mp_pages_free(finding.state, tree->count, sizeof *finding.state);
    mp_pages_free(finding.groups, SLOTS, sizeof *finding.groups);
    errno = failed ? ENOMEM : errno;
    return failed ? -1 : 0;
}
