#include "capture/objects/dominators.h"

#include <errno.h>
#include <stdbool.h>

#include "base/pages.h"

#define NONE UINT32_MAX

/* What is needed until the tree is known. All by number. */
struct work {
    const struct mp_object_graph *graph;
    struct mp_dominators *tree;
    uint32_t *parent;            /* in the search's tree */
    uint32_t *next;              /* while it searches, by node: its next reference */
    uint32_t *before, *from;     /* who refers to each: from[before[k]] ..., in one array */
    uint32_t *semi, *label, *up; /* the forest: `up` is NONE for the roots of it */
    uint32_t *way;               /* up a path that is compressed */
};

static uint32_t *numbers(size_t count)
{
    return mp_pages_new(count, sizeof(uint32_t));
}

static void free_numbers(uint32_t *of, size_t count)
{
    mp_pages_free(of, count, sizeof(uint32_t));
}

static void enter(struct work *work, uint32_t node, uint32_t parent)
{
    struct mp_dominators *tree = work->tree;
    tree->number[node] = tree->count;
    tree->node[tree->count] = node;
    work->parent[tree->count++] = parent;
    work->next[node] = work->graph->first[node];
}

/* Depth first: back to the parent where a node has no reference left. */
static void search_from(struct work *work, uint32_t root)
{
    const struct mp_object_graph *graph = work->graph;
    struct mp_dominators *tree = work->tree;
    enter(work, root, 0);
    for (uint32_t at = tree->number[root]; at;) {
        uint32_t node = tree->node[at];
        if (work->next[node] == graph->first[node + 1]) {
            at = work->parent[at];
            continue;
        }
        uint32_t to = graph->edges[work->next[node]++];
        if (to && !tree->number[to]) {
            enter(work, to, at);
            at = tree->number[to];
        }
    }
}

static int search(struct work *work)
{
    const struct mp_object_graph *graph = work->graph;
    struct mp_dominators *tree = work->tree;
    tree->number = numbers(graph->count);
    tree->node = numbers(graph->count);
    work->parent = numbers(graph->count);
    work->next = numbers(graph->count);
    int failed = !tree->number || !tree->node || !work->parent || !work->next;
    if (!failed) {
        tree->count = 1; /* the root of all */
        for (uint32_t i = 0; i < graph->root_count; i++)
            if (!tree->number[graph->roots[i]])
                search_from(work, graph->roots[i]);
    }
    free_numbers(work->next, graph->count);
    return failed;
}

/* Each reached node's references as a count, or put where they belong. Roots are reached from the
   root of all. */
static void each_reference(struct work *work, bool put)
{
    const struct mp_object_graph *graph = work->graph;
    const struct mp_dominators *tree = work->tree;
    for (uint32_t k = 0; k < tree->count; k++) {
        uint32_t node = tree->node[k];
        const uint32_t *edges = k ? graph->edges + graph->first[node] : graph->roots;
        uint32_t count =
            k ? graph->first[node + 1] - graph->first[node] : graph->root_count;
        for (uint32_t i = 0; i < count; i++) {
            uint32_t to = edges[i] ? tree->number[edges[i]] : 0;
            if (put && to)
                work->from[--work->before[to + 1]] = k;
            else if (to)
                work->before[to + 1]++;
        }
    }
}

/* `before[k + 1]` counts, then ends those of k, then begins them: hence one more than numbers. */
static int turn_around(struct work *work)
{
    uint32_t count = work->tree->count;
    size_t edges = work->graph->first[work->graph->count] + (size_t)work->graph->root_count;
    work->before = numbers((size_t)count + 2);
    work->from = numbers(edges);
    if (!work->before || !work->from)
        return -1;
    each_reference(work, false);
    for (uint32_t k = 1; k <= count; k++)
        work->before[k] += work->before[k - 1];
    work->before[count + 1] = work->before[count];
    each_reference(work, true);
    return 0;
}

/* Of the forest's nodes above one, itself included, that whose semidominator is the smallest. */
static uint32_t least(struct work *work, uint32_t at)
{
    uint32_t *up = work->up, *label = work->label, depth = 0;
    if (up[at] == NONE)
        return at;
    for (uint32_t above = at; up[up[above]] != NONE; above = up[above])
        work->way[depth++] = above;
    while (depth) {
        uint32_t below = work->way[--depth];
        if (work->semi[label[up[below]]] < work->semi[label[below]])
            label[below] = label[up[below]];
        up[below] = up[up[below]];
    }
    return label[at];
}

static void find_semidominators(struct work *work)
{
    uint32_t count = work->tree->count;
    for (uint32_t k = 0; k < count; k++) {
        work->semi[k] = work->label[k] = k;
        work->up[k] = NONE;
    }
    for (uint32_t k = count - 1; k > 0; k--) {
        uint32_t best = work->parent[k];
        for (uint32_t i = work->before[k + 1]; i < work->before[k + 2]; i++) {
            uint32_t semi = work->semi[least(work, work->from[i])];
            best = semi < best ? semi : best;
        }
        work->semi[k] = best;
        work->up[k] = work->parent[k];
    }
}

static int link_up(struct work *work)
{
    struct mp_dominators *tree = work->tree;
    uint32_t count = tree->count;
    work->semi = numbers(count);
    work->label = numbers(count);
    work->up = numbers(count);
    work->way = numbers(count);
    tree->dominator = numbers(count);
    int failed = !work->semi || !work->label || !work->up || !work->way || !tree->dominator;
    if (!failed && count > 1) {
        find_semidominators(work);
        for (uint32_t k = 1; k < count; k++) {
            uint32_t above = work->parent[k];
            while (above > work->semi[k])
                above = tree->dominator[above];
            tree->dominator[k] = above;
        }
    }
    free_numbers(work->semi, count);
    free_numbers(work->label, count);
    free_numbers(work->up, count);
    free_numbers(work->way, count);
    return failed;
}

static int sum_up(struct mp_dominators *tree,
                  uint64_t (*size)(const void *context, uint32_t node), const void *context)
{
    tree->retained = mp_pages_new(tree->count, sizeof *tree->retained);
    if (!tree->retained)
        return -1;
    for (uint32_t k = 1; k < tree->count; k++)
        tree->retained[k] = size(context, tree->node[k]);
    for (uint32_t k = tree->count - 1; k > 0; k--)
        tree->retained[tree->dominator[k]] += tree->retained[k];
    return 0;
}

int mp_dominators_init(struct mp_dominators *tree, const struct mp_object_graph *graph,
                       uint64_t (*size)(const void *context, uint32_t node),
                       const void *context)
{
    struct work work = {.graph = graph, .tree = tree};
    *tree = (struct mp_dominators){.nodes = graph->count};
    size_t edges = graph->first[graph->count] + (size_t)graph->root_count;
    int failed = search(&work) || turn_around(&work) || link_up(&work);
    free_numbers(work.parent, graph->count);
    free_numbers(work.before, (size_t)tree->count + 2);
    free_numbers(work.from, edges);
    if (!failed && !sum_up(tree, size, context))
        return 0;
    mp_dominators_release(tree);
    errno = ENOMEM;
    return -1;
}

void mp_dominators_release(struct mp_dominators *tree)
{
    free_numbers(tree->number, tree->nodes);
    free_numbers(tree->node, tree->nodes);
    free_numbers(tree->dominator, tree->count);
    mp_pages_free(tree->retained, tree->count, sizeof *tree->retained);
    *tree = (struct mp_dominators){0};
}
