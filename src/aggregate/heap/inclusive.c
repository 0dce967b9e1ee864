#include "aggregate/heap/inclusive.h"

#include <stdlib.h>
#include <string.h>

#include "base/saturate.h"

void mp_heap_sum_add(struct mp_heap_sum *to, const struct mp_heap_sum *sum)
{
    to->at_peak = mp_sum(to->at_peak, sum->at_peak);
    to->live = mp_sum(to->live, sum->live);
    to->total = mp_sum_unsigned(to->total, sum->total);
    to->growth = mp_sum(to->growth, sum->growth);
}

/* A parent's number is lower: from the end, each node is complete when it is added. */
static void link_nodes(struct mp_heap_inclusive *all, const struct mp_heap_view *view,
                       const struct mp_heap_own *own)
{
    for (size_t i = all->count; i-- > 1;) {
        const struct mp_heap_node *node = &all->nodes[i];
        struct mp_heap_sum its = {mp_heap_at_peak(view, node), mp_heap_live(node),
                                  node->total, view->growth ? view->growth[i].bytes : 0};
        if (!own || !mp_heap_own_is_ours(own, (uint32_t)i))
            mp_heap_sum_add(&all->sums[i], &its);
        mp_heap_sum_add(&all->sums[node->parent], &all->sums[i]);
        all->next_sibling[i] = all->first_child[node->parent];
        all->first_child[node->parent] = (uint32_t)i;
    }
}

int mp_heap_inclusive_init(struct mp_heap_inclusive *all, const struct mp_heap_view *view,
                           const struct mp_heap_own *own)
{
    size_t count = view->counts[MP_HEAP_NODES];
    *all = (struct mp_heap_inclusive){
        .count = count,
        .nodes = view->nodes,
        .first_child = calloc(count + 1, sizeof *all->first_child),
        .next_sibling = calloc(count + 1, sizeof *all->next_sibling),
        .sums = calloc(count + 1, sizeof *all->sums)};
    if (!all->first_child || !all->next_sibling || !all->sums)
        return -1;
    link_nodes(all, view, own);
    return 0;
}

void mp_heap_inclusive_release(struct mp_heap_inclusive *all)
{
    free(all->first_child);
    free(all->next_sibling);
    free(all->sums);
    *all = (struct mp_heap_inclusive){0};
}

/* A walk over the stacks: how often each place is on the present one. */
struct walk {
    const struct mp_heap_inclusive *all;
    const uint32_t *places;
    struct mp_heap_sum *sums;
    uint32_t *active;
};

static void enter(struct walk *walk, uint32_t node)
{
    uint32_t place = walk->places[node];
    if (place && !walk->active[place]++)
        mp_heap_sum_add(&walk->sums[place], &walk->all->sums[node]);
}

/* To the next node, callees before siblings; what is left behind is no more on the stack. */
static uint32_t next(struct walk *walk, uint32_t at)
{
    const struct mp_heap_inclusive *all = walk->all;
    if (all->first_child[at])
        return all->first_child[at];
    walk->active[walk->places[at]]--;
    while (at && !all->next_sibling[at])
        if ((at = all->nodes[at].parent))
            walk->active[walk->places[at]]--;
    return all->next_sibling[at];
}

int mp_heap_inclusive_sum(const struct mp_heap_inclusive *all, const uint32_t *places,
                          size_t most, struct mp_heap_sum *sums)
{
    struct walk walk = {all, places, sums, calloc(most + 1, sizeof *walk.active)};
    if (!walk.active)
        return -1;
    memset(sums, 0, (most + 1) * sizeof *sums);
    for (uint32_t at = all->count ? all->first_child[0] : 0; at; at = next(&walk, at))
        enter(&walk, at);
    free(walk.active);
    return 0;
}
