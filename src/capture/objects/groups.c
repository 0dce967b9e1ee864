#include "capture/objects/groups.h"

#include <errno.h>

#include "base/pages.h"
#include "capture/heap/accounting/open_addressing.h"
#include "capture/objects/sizes.h"

/* More ways than these are no summary: what is behind them is in the group before. */
enum { MOST = 1 << 14, SLOTS = 1 << 16 };

struct grouping {
    struct mp_groups *groups;
    const struct mp_graph *graph;
    const struct mp_reach *reach;
    const struct mp_dominators *tree;
    const uint8_t *wanted;
    uint8_t *covered; /* by number: something wanted dominates it */
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

static void add_wanted(const struct grouping *grouping, struct mp_group *group,
                       uint32_t node)
{
    const struct mp_dominators *tree = grouping->tree;
    uint32_t number = tree->number[node];
    group->first = group->first ? group->first : node;
    group->count++;
    group->bytes += mp_size_of(grouping->graph->objects[node]);
    if (!number)
        group->retained += mp_size_of(grouping->graph->objects[node]);
    else if (!grouping->covered[number])
        group->retained += tree->retained[number];
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
            add_wanted(grouping, &groups->groups[own], node);
    }
    for (uint32_t node = 1; node < groups->nodes; node++)
        if (grouping->wanted[node] && grouping->reach->parent[node] == MP_NOT_REACHED) {
            groups->of[node] = 0;
            add_wanted(grouping, &groups->groups[0], node);
        }
}

/* A dominator's number is smaller. */
static void cover(const struct grouping *grouping)
{
    const struct mp_dominators *tree = grouping->tree;
    for (uint32_t k = 1; k < tree->count; k++) {
        uint32_t above = tree->dominator[k];
        grouping->covered[k] =
            above && (grouping->covered[above] || grouping->wanted[tree->node[above]]);
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
    grouping.covered = mp_pages_new(tree->count, 1);
    bool failed = !groups->groups || !groups->slots || !groups->of || !grouping.covered;
    if (!failed) {
        cover(&grouping);
        fill(&grouping);
    }
    mp_pages_free(grouping.covered, tree->count, 1);
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
