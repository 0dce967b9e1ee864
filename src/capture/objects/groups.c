#include "capture/objects/groups.h"

#include <errno.h>

#include "base/pages.h"
#include "capture/heap/accounting/open_addressing.h"
#include "capture/objects/sizes.h"

/* More ways than these are no summary: what is behind them is in the group before. MOST_ABOVE: a way through
   more of other groups than these is none that anybody made. */
enum { MOST = 1 << 14, SLOTS = 1 << 16, MOST_ABOVE = 256 };

struct grouping {
    struct mp_groups *groups;
    const struct mp_graph *graph;
    const struct mp_reach *reach;
    const struct mp_dominators *tree;
    const uint8_t *wanted;
    uint32_t *
        above; /* by number: that of the nearest wanted one that dominates it; 0: none does */
};

static bool is_labelled(const struct mp_group *group, struct mp_label label)
{
    return group->label.name == label.name && group->label.type == label.type;
}

/* Lists of nodes go on and on: what is called as the one before it, or before that, is of that group. */
static uint32_t repeated(const struct mp_groups *groups, uint32_t parent,
                         struct mp_label label)
{
    for (int i = 0; i < 2 && parent; i++, parent = groups->groups[parent].parent)
        if (is_labelled(&groups->groups[parent], label))
            return parent;
    return 0;
}

static uint32_t group_for(struct mp_groups *groups, uint32_t parent, struct mp_label label)
{
    uintptr_t mixed = (label.name ^ (uintptr_t)label.type >> 3) + parent * (uintptr_t)40503;
    uint32_t same = repeated(groups, parent, label);
    size_t at = mp_open_addressing_home(mixed, SLOTS);
    if (same) {
        groups->groups[same].repeats = true;
        return same;
    }
    for (; groups->slots[at]; at = (at + 1) & (SLOTS - 1)) {
        const struct mp_group *group = &groups->groups[groups->slots[at]];
        if (group->parent == parent && is_labelled(group, label))
            return groups->slots[at];
    }
    if (groups->count == MOST)
        return parent;
    groups->groups[groups->count] = (struct mp_group){.label = label, .parent = parent};
    return groups->slots[at] = groups->count++;
}

/* What is wanted and what leads there has 1 for now. */
static void mark_ways(const struct grouping *grouping)
{
    uint32_t *of = grouping->groups->of;
    const uint32_t *parent = grouping->reach->parent;
    for (uint32_t node = 1; node < grouping->groups->nodes; node++)
        for (uint32_t up = node;
             grouping->wanted[node] && up && up != MP_NOT_REACHED && !of[up];
             up = parent[up])
            of[up] = 1;
}

/* Whether another of its group retains it: what both retain counts once. */
static bool is_within(const struct grouping *grouping, uint32_t number, uint32_t own)
{
    const uint32_t *of = grouping->groups->of, *node = grouping->tree->node;
    for (int i = 0; number && i < MOST_ABOVE; i++) {
        number = grouping->above[number];
        if (number && of[node[number]] == own)
            return true;
    }
    return false;
}

static void add_wanted(const struct grouping *grouping, uint32_t own, uint32_t node)
{
    const struct mp_dominators *tree = grouping->tree;
    struct mp_group *group = &grouping->groups->groups[own];
    uint32_t number = tree->number[node];
    uint64_t bytes = mp_size_of(grouping->graph->objects[node]),
             retained = number ? tree->retained[number] : bytes;
    group->first = group->first ? group->first : node;
    group->count++;
    group->bytes += bytes;
    if (!number || !grouping->above[number])
        group->apart += retained;
    if (!is_within(grouping, number, own))
        group->retained += retained;
}

static void fill(const struct grouping *grouping)
{
    struct mp_groups *groups = grouping->groups;
    const struct mp_paths paths = {grouping->graph, grouping->reach, NULL, NULL};
    mark_ways(grouping);
    for (uint32_t i = 0; i < grouping->reach->count; i++) {
        uint32_t node = grouping->reach->order[i];
        if (!groups->of[node])
            continue;
        uint32_t parent = grouping->reach->parent[node];
        uint32_t above = parent ? groups->of[parent] : 0;
        uint32_t own = group_for(groups, above, mp_path_label(&paths, node));
        groups->of[node] = own;
        groups->groups[own].members++;
        if (grouping->wanted[node])
            add_wanted(grouping, own, node);
    }
    for (uint32_t node = 1; node < groups->nodes; node++)
        if (grouping->wanted[node] && grouping->reach->parent[node] == MP_NOT_REACHED) {
            groups->of[node] = 0;
            add_wanted(grouping, 0, node);
        }
}

/* A dominator's number is smaller. */
static void look_above(const struct grouping *grouping)
{
    const struct mp_dominators *tree = grouping->tree;
    for (uint32_t k = 1; k < tree->count; k++) {
        uint32_t above = tree->dominator[k];
        bool is_wanted = above && grouping->wanted[tree->node[above]];
        grouping->above[k] = is_wanted ? above : grouping->above[above];
    }
}

int mp_groups_init(struct mp_groups *groups, const struct mp_graph *graph,
                   const struct mp_reach *reach, const struct mp_dominators *tree,
                   const uint8_t *wanted)
{
    struct grouping grouping = {groups, graph, reach, tree, wanted, NULL};
    *groups = (struct mp_groups){.nodes = graph->graph.count, .count = 1};
    groups->groups = mp_pages_new(MOST, sizeof *groups->groups);
    groups->slots = mp_pages_new(SLOTS, sizeof *groups->slots);
    groups->of = mp_pages_new(groups->nodes, sizeof *groups->of);
    grouping.above = mp_pages_new(tree->count, sizeof *grouping.above);
    bool failed = !groups->groups || !groups->slots || !groups->of || !grouping.above;
    if (!failed) {
        look_above(&grouping);
        fill(&grouping);
    }
    mp_pages_free(grouping.above, tree->count, sizeof *grouping.above);
    if (!failed)
        return 0;
    mp_groups_release(groups);
    errno = ENOMEM;
    return -1;
}

void mp_groups_release(struct mp_groups *groups)
{
    mp_pages_free(groups->groups, MOST, sizeof *groups->groups);
    mp_pages_free(groups->slots, SLOTS, sizeof *groups->slots);
    mp_pages_free(groups->of, groups->nodes, sizeof *groups->of);
    *groups = (struct mp_groups){0};
}

bool mp_groups_has_others(const void *context, uint32_t node)
{
    const struct mp_groups *groups = context;
    return groups->of[node] && groups->groups[groups->of[node]].members > 1;
}
