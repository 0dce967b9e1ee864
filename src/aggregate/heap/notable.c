#include "aggregate/heap/notable.h"

#include <stdlib.h>

#include "aggregate/heap/inclusive.h"
#include "aggregate/heap/stacks.h"
#include "base/array.h"
#include "base/mix.h"
#include "base/saturate.h"
#include "base/slots.h"

/* All lines, before those that matter are chosen. */
struct building {
    struct mp_heap_notable *notable;
    const struct mp_heap_view *view;
    const struct mp_heap_own *own;
    struct mp_heap_stacks stacks;
    struct mp_heap_inclusive inclusive;
    uint32_t *places; /* of each node: the position of its line + 1; 0: it is nobody's */
    struct mp_slots index;
    struct mp_heap_notable_line *lines;
    size_t count, room;
    struct mp_heap_sum *sums;  /* of each line, from 1 on */
    uint64_t *temporary, most; /* of each line, and of all */
};

static uint32_t find(struct building *building, uint32_t file, int line)
{
    struct mp_slots_at at;
    for (mp_slots_begin(&at, &building->index, mp_mix(file, (uint32_t)line));
         mp_slots_next(&at, &building->index);) {
        const struct mp_heap_notable_line *there = &building->lines[at.number - 1];
        if (there->file == file && there->line == line)
            return at.number;
    }
    if (mp_array_reserve((void **)&building->lines, &building->room, building->count + 1,
                         sizeof *building->lines) ||
        mp_slots_put(&at, &building->index, (uint32_t)building->count + 1))
        return 0;
    building->lines[building->count++] = (struct mp_heap_notable_line){file, line};
    return (uint32_t)building->count;
}

static int find_places(struct building *building)
{
    const struct mp_heap_view *view = building->view;
    for (uint32_t i = 1; i < view->counts[MP_HEAP_NODES]; i++) {
        uint32_t code = view->nodes[i].code;
        if (!code || mp_heap_own_is_ours(building->own, i) ||
            mp_heap_own_is_outer(building->own, i))
            continue;
        building->places[i] = find(building, building->notable->files.numbers[code],
                                   building->stacks.lines[i]);
        if (!building->places[i])
            return -1;
    }
    return 0;
}

static int sum_up(struct building *building)
{
    size_t room = building->count + 1;
    building->sums = calloc(room, sizeof *building->sums);
    building->temporary = calloc(room, sizeof *building->temporary);
    if (!building->sums || !building->temporary)
        return -1;
    for (size_t i = 1; i < building->view->counts[MP_HEAP_NODES]; i++) {
        uint64_t *own = &building->temporary[building->places[i]];
        *own = mp_sum_unsigned(*own, building->view->nodes[i].temporary);
        building->most =
            mp_sum_unsigned(building->most, building->view->nodes[i].temporary);
    }
    return mp_heap_inclusive_sum(&building->inclusive, building->places, building->count,
                                 building->sums);
}

static bool has_share(double part, double whole, double least)
{
    return part > 0 && part >= whole * least;
}

static bool matters(const struct building *building, size_t place, double least)
{
    const struct mp_heap_sum *sum = &building->sums[place];
    const struct mp_heap_sum *whole = &building->inclusive.sums[0];
    return has_share((double)sum->at_peak, (double)whole->at_peak, least) ||
           has_share((double)sum->live, (double)whole->live, least) ||
           has_share((double)sum->total, (double)whole->total, least) ||
           has_share((double)building->temporary[place], (double)building->most, least);
}

static int by_file(const void *left, const void *right)
{
    const struct mp_heap_notable_line *a = left, *b = right;
    return a->file != b->file ? (a->file > b->file) - (a->file < b->file)
                              : (a->line > b->line) - (a->line < b->line);
}

static int choose(struct building *building, double least)
{
    struct mp_heap_notable *notable = building->notable;
    if (find_places(building) || sum_up(building))
        return -1;
    for (size_t i = 0; i < building->count; i++)
        if (building->lines[i].line > 0 && matters(building, i + 1, least))
            building->lines[notable->count++] = building->lines[i];
    notable->lines = building->lines;
    building->lines = NULL;
    if (notable->count)
        qsort(notable->lines, notable->count, sizeof *notable->lines, by_file);
    return 0;
}

int mp_heap_notable_init(struct mp_heap_notable *notable, const struct mp_heap_view *view,
                         const struct mp_heap_own *own, double least)
{
    *notable = (struct mp_heap_notable){0};
    struct building building = {
        .notable = notable,
        .view = view,
        .own = own,
        .places = calloc(view->counts[MP_HEAP_NODES] + 1, sizeof *building.places)};
    int failed = !building.places || mp_slots_init(&building.index, 0) ||
                 mp_heap_distinct_init(&notable->files, view) ||
                 mp_heap_stacks_init(&building.stacks, view) ||
                 mp_heap_inclusive_init(&building.inclusive, view, own) ||
                 choose(&building, least);
    mp_heap_stacks_release(&building.stacks);
    mp_heap_inclusive_release(&building.inclusive);
    mp_slots_release(&building.index);
    free(building.places);
    free(building.lines);
    free(building.sums);
    free(building.temporary);
    return failed ? -1 : 0;
}

void mp_heap_notable_release(struct mp_heap_notable *notable)
{
    mp_heap_distinct_release(&notable->files);
    free(notable->lines);
    *notable = (struct mp_heap_notable){0};
}
