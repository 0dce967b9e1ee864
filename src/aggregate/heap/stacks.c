#include "aggregate/heap/stacks.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/mix.h"
#include "base/slots.h"
#include "record/location.h"

/* An index of the first nodes, for the time of finding them. */
struct index {
    const struct mp_heap_view *view;
    const struct mp_heap_stacks *stacks;
    struct mp_slots slots;
};

static bool is_same(const struct index *index, uint32_t a, uint32_t b)
{
    const struct mp_heap_node *nodes = index->view->nodes;
    const struct mp_heap_stacks *stacks = index->stacks;
    return nodes[a].code == nodes[b].code && stacks->lines[a] == stacks->lines[b] &&
           stacks->first[nodes[a].parent] == stacks->first[nodes[b].parent];
}

/* The first node of a stack; the parents' are known. */
static uint32_t find_first(struct index *index, uint32_t node)
{
    const struct mp_heap_node *its = &index->view->nodes[node];
    uint64_t hash = mp_mix(mp_mix(its->code, index->stacks->first[its->parent]),
                           (uint32_t)index->stacks->lines[node]);
    struct mp_slots_at at;
    for (mp_slots_begin(&at, &index->slots, hash); mp_slots_next(&at, &index->slots);)
        if (is_same(index, at.number, node))
            return at.number;
    mp_slots_put(&at, &index->slots, node);
    return node;
}

/* A node by its place in its code: the unit above, the node below. */
static uint64_t place_of(const struct mp_heap_node *nodes, uint32_t node)
{
    return (uint64_t)mp_heap_instruction(&nodes[node]) << 32 | node;
}

static int by_place(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* The nodes of a code are between the end of the code before and its own: counted, not compared,
   since there may be millions. */
static void sort_by_code(const struct mp_heap_view *view, uint64_t *places, uint32_t *ends)
{
    const struct mp_heap_node *nodes = view->nodes;
    size_t count = view->counts[MP_HEAP_NODES], codes = view->counts[MP_HEAP_CODES];
    for (size_t i = 0; i < count; i++)
        ends[nodes[i].code + 1]++;
    for (size_t code = 0; code < codes; code++)
        ends[code + 1] += ends[code];
    for (uint32_t i = 0; i < count; i++)
        places[ends[nodes[i].code]++] = place_of(nodes, i);
}

/* Each code's table is read once: it can be long, and its nodes many. */
static void find_code_lines(const struct mp_heap_view *view, uint32_t number,
                            uint64_t *places, size_t count, int *lines)
{
    const struct mp_heap_code *code = &view->codes[number];
    struct mp_location_reading reading;
    mp_location_read(&reading, view->text + code->lines.offset, code->lines.length,
                     code->first_line);
    if (count)
        qsort(places, count, sizeof *places, by_place);
    for (size_t i = 0; i < count; i++)
        lines[(uint32_t)places[i]] =
            mp_location_read_line(&reading, (uint32_t)(places[i] >> 32));
}

static int find_lines(const struct mp_heap_view *view, int *lines)
{
    size_t codes = view->counts[MP_HEAP_CODES];
    uint64_t *places = calloc(view->counts[MP_HEAP_NODES] + 1, sizeof *places);
    uint32_t *ends = calloc(codes + 2, sizeof *ends);
    int failed = !places || !ends;
    if (!failed)
        sort_by_code(view, places, ends);
    for (uint32_t code = 0, from = 0; code < codes && !failed; from = ends[code++])
        find_code_lines(view, code, places + from, ends[code] - from, lines);
    free(places);
    free(ends);
    return failed ? -1 : 0;
}

int mp_heap_stacks_init_lines(struct mp_heap_stacks *stacks,
                              const struct mp_heap_view *view)
{
    *stacks = (struct mp_heap_stacks){
        .lines = calloc(view->counts[MP_HEAP_NODES] + 1, sizeof *stacks->lines)};
    if (stacks->lines && !find_lines(view, stacks->lines))
        return 0;
    mp_heap_stacks_release(stacks);
    return -1;
}

int mp_heap_stacks_init(struct mp_heap_stacks *stacks, const struct mp_heap_view *view)
{
    size_t count = view->counts[MP_HEAP_NODES];
    struct index index = {view, stacks, {0}};
    if (mp_heap_stacks_init_lines(stacks, view))
        return -1;
    stacks->first = calloc(count + 1, sizeof *stacks->first);
    bool failed = !stacks->first || mp_slots_init(&index.slots, count);
    for (uint32_t i = 1; i < count && !failed; i++)
        stacks->first[i] = mp_heap_is_border(&view->nodes[i])
                               ? stacks->first[view->nodes[i].parent]
                               : find_first(&index, i);
    mp_slots_release(&index.slots);
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
