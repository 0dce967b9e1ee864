#include "aggregate/heap_stacks.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "aggregate/heap_path.h"

/* An index of the first nodes, for the time of finding them. */
struct index {
    const struct mp_heap_view *view;
    const struct mp_heap_stacks *stacks;
    uint32_t *slots; /* nodes; 0, the root, is none */
    size_t mask;
};

static bool is_same(const struct index *index, uint32_t a, uint32_t b)
{
    const struct mp_heap_node *nodes = index->view->nodes;
    const struct mp_heap_stacks *stacks = index->stacks;
    return nodes[a].code == nodes[b].code && stacks->lines[a] == stacks->lines[b] &&
           stacks->first[nodes[a].parent] == stacks->first[nodes[b].parent];
}

/* The first node of a stack; the parents' are known. */
static uint32_t find_first(const struct index *index, uint32_t node)
{
    const struct mp_heap_node *its = &index->view->nodes[node];
    uint64_t hash = ((uint64_t)its->code << 32 | index->stacks->first[its->parent]) *
                    0x9E3779B97F4A7C15u;
    hash = (hash ^ (uint32_t)index->stacks->lines[node]) * 0x9E3779B97F4A7C15u;
    size_t at = (size_t)(hash >> 32) & index->mask;
    while (index->slots[at] && !is_same(index, index->slots[at], node))
        at = (at + 1) & index->mask;
    if (!index->slots[at])
        index->slots[at] = node;
    return index->slots[at];
}

int mp_heap_stacks_init(struct mp_heap_stacks *stacks, const struct mp_heap_view *view)
{
    size_t count = view->counts[MP_HEAP_NODES], room = 16;
    while (room < count * 2)
        room *= 2;
    *stacks = (struct mp_heap_stacks){calloc(count + 1, sizeof *stacks->first),
                                      calloc(count + 1, sizeof *stacks->lines)};
    struct index index = {view, stacks, calloc(room, sizeof *index.slots), room - 1};
    bool failed = !stacks->first || !stacks->lines || !index.slots;
    for (uint32_t i = 1; i < count && !failed; i++) {
        stacks->lines[i] = mp_heap_node_line(view, &view->nodes[i]);
        stacks->first[i] = find_first(&index, i);
    }
    free(index.slots);
    if (failed)
        mp_heap_stacks_release(stacks);
    return failed ? -1 : 0;
}

void mp_heap_stacks_release(struct mp_heap_stacks *stacks)
{
    free(stacks->first);
    free(stacks->lines);
    *stacks = (struct mp_heap_stacks){0};
}
