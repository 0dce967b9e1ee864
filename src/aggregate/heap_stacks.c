#include "aggregate/heap_stacks.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "record/location.h"

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

static int by_place(const void *left, const void *right, void *context)
{
    const struct mp_heap_node *nodes = context;
    const struct mp_heap_node *a = &nodes[*(const uint32_t *)left],
                              *b = &nodes[*(const uint32_t *)right];
    if (a->code != b->code)
        return a->code > b->code ? 1 : -1;
    return (mp_heap_instruction(a) > mp_heap_instruction(b)) -
           (mp_heap_instruction(a) < mp_heap_instruction(b));
}

/* Nodes in order, so that each code's table is read once: it can be long, and its nodes many. */
struct places {
    uint32_t *nodes, *units;
    int *lines;
};

static void find_code_lines(const struct places *places, const struct mp_heap_view *view,
                            size_t from, size_t to, int *lines)
{
    const struct mp_heap_code *code = &view->codes[view->nodes[places->nodes[from]].code];
    mp_location_lines(view->text + code->lines.offset, code->lines.length, code->first_line,
                      places->units + from, places->lines + from, to - from);
    for (size_t i = from; i < to; i++)
        lines[places->nodes[i]] = places->lines[i];
}

static int find_lines(const struct mp_heap_view *view, int *lines)
{
    size_t count = view->counts[MP_HEAP_NODES];
    const struct mp_heap_node *nodes = view->nodes;
    struct places places = {calloc(count + 1, sizeof *places.nodes),
                            calloc(count + 1, sizeof *places.units),
                            calloc(count + 1, sizeof *places.lines)};
    bool failed = !places.nodes || !places.units || !places.lines;
    for (size_t i = 0; i < count && !failed; i++)
        places.nodes[i] = (uint32_t)i;
    if (!failed && count)
        qsort_r(places.nodes, count, sizeof *places.nodes, by_place, (void *)nodes);
    for (size_t i = 0; i < count && !failed; i++)
        places.units[i] = mp_heap_instruction(&nodes[places.nodes[i]]);
    for (size_t from = 0, to; from < count && !failed; from = to) {
        uint32_t code = nodes[places.nodes[from]].code;
        for (to = from; to < count && nodes[places.nodes[to]].code == code;)
            to++;
        find_code_lines(&places, view, from, to, lines);
    }
    free(places.nodes);
    free(places.units);
    free(places.lines);
    return failed ? -1 : 0;
}

int mp_heap_stacks_init(struct mp_heap_stacks *stacks, const struct mp_heap_view *view)
{
    size_t count = view->counts[MP_HEAP_NODES], room = 16;
    while (room < count * 2)
        room *= 2;
    *stacks = (struct mp_heap_stacks){calloc(count + 1, sizeof *stacks->first),
                                      calloc(count + 1, sizeof *stacks->lines)};
    struct index index = {view, stacks, calloc(room, sizeof *index.slots), room - 1};
    bool failed =
        !stacks->first || !stacks->lines || !index.slots || find_lines(view, stacks->lines);
    for (uint32_t i = 1; i < count && !failed; i++)
        stacks->first[i] = find_first(&index, i);
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
