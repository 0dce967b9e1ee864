#include "capture/objects/owners.h"

#include <errno.h>
#include <string.h>

#include "base/pages.h"
#include "capture/heap/accounting/open_addressing.h"
#include "capture/objects/sizes.h"

/* Of all that is retained, what is drawn. What one that is drawn below it has nearly all of is not, nor, in a list of
 * links that each retain all behind them, what one of its type below it has most of. */
enum { LEAST_SHARE = 500, NEARLY = 98, MOST = 80 /* percent */ };

/* Of groups; where they are many one that finds no room within so many is left out. */
enum { SLOTS = 1 << 14, TRIES = 64 };

/* Below which nothing has a place of its own: what is there is part of the group above. */
static const uint32_t inside = UINT32_MAX;

struct finding {
    struct mp_owners *owners;
    const struct mp_graph *graph;
    const struct mp_dominators *tree;
    uint64_t least;
    uint32_t
        *drawn; /* owned, as all: by number, the largest below it that is; 0: none is */
    uint8_t *passed; /* by number: it is not, since that one is */
    uint32_t *state; /* by number: the position of the nearest owner, 0: none, or inside */
    struct mp_owner *groups;
};

static bool is_passed(const struct finding *finding, uint32_t k)
{
    const struct mp_dominators *tree = finding->tree;
    PyObject *const *objects = finding->graph->objects;
    uint32_t drawn = finding->drawn[k];
    uint64_t percent = tree->retained[k] / 100, below = tree->retained[drawn];
    return drawn && (below >= percent * NEARLY ||
                     (below >= percent * MOST && Py_TYPE(objects[tree->node[k]]) ==
                                                     Py_TYPE(objects[tree->node[drawn]])));
}

/* What is below a dominator has larger numbers. */
static void find_drawn(const struct finding *finding)
{
    const uint64_t *retained = finding->tree->retained;
    for (uint32_t k = finding->tree->count - 1; k > 0; k--) {
        uint32_t above = finding->tree->dominator[k], own = k;
        finding->passed[k] = is_passed(finding, k);
        if (finding->passed[k])
            own = finding->drawn[k];
        if (retained[own] >= finding->least &&
            (!finding->drawn[above] || retained[own] > retained[finding->drawn[above]]))
            finding->drawn[above] = own;
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
        if (one.retained >= finding->least && !finding->passed[k])
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
        if (at = (at + 1) & (SLOTS - 1), ++tried == TRIES)
            return;
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
        } else if (above == inside || finding->passed[k]) {
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
                              NULL,   NULL,  NULL, NULL};
    owners->count = 0;
    finding.drawn = mp_pages_new(tree->count, sizeof *finding.drawn);
    finding.passed = mp_pages_new(tree->count, sizeof *finding.passed);
    finding.state = mp_pages_new(tree->count, sizeof *finding.state);
    finding.groups = mp_pages_new(SLOTS, sizeof *finding.groups);
    bool failed = !finding.drawn || !finding.passed || !finding.state || !finding.groups;
    if (!failed) {
        find_drawn(&finding);
        choose_alone(&finding);
        place(&finding);
        choose_groups(&finding);
    }
    mp_pages_free(finding.drawn, tree->count, sizeof *finding.drawn);
    mp_pages_free(finding.passed, tree->count, sizeof *finding.passed);
    mp_pages_free(finding.state, tree->count, sizeof *finding.state);
    mp_pages_free(finding.groups, SLOTS, sizeof *finding.groups);
    errno = failed ? ENOMEM : errno;
    return failed ? -1 : 0;
}
