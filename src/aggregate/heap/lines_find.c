/* The lines of a capture, found in passes over its nodes: which line each node is on, what was
 * allocated there, whose lines led there, what each holds with all that it called. */
#include <stdbool.h>
#include <stdlib.h>

#include "aggregate/heap/lines.h"
#include "aggregate/heap/stacks.h"
#include "base/array.h"
#include "base/mix.h"
#include "base/saturate.h"
#include "base/slots.h"

/* What is built, from what. */
struct building {
    struct mp_heap_lines *lines;
    const struct mp_heap_view *view;
    const struct mp_heap_own *own;
    struct weights { /* of each stack's first node, in each order */
        uint64_t by[MP_HEAP_ORDERS];
        bool counted;
    } * weights;
    uint32_t *
        shares; /* of each node: the origin of its share, its position + 1, 0 where it has none */
    struct mp_slots index; /* numbers of lines */
    uint32_t importer;     /* the code that stands for import machinery; 0: not met yet */
};

/* The line of a place, added if new; NULL with errno ENOMEM. */
static struct mp_heap_line *find(struct building *building, uint32_t code, int line)
{
    struct mp_heap_lines *lines = building->lines;
    struct mp_slots_at at;
    for (mp_slots_begin(&at, &building->index, mp_mix(code, (uint32_t)line));
         mp_slots_next(&at, &building->index);) {
        struct mp_heap_line *there = &lines->lines[at.number - 1];
        if (there->code == code && there->line == line)
            return there;
    }
    if (mp_array_reserve((void **)&lines->lines, &lines->room, lines->all + 1,
                         sizeof *lines->lines))
        return NULL;
    struct mp_heap_line *added = &lines->lines[lines->all++];
    *added = (struct mp_heap_line){.code = code, .line = line};
    added->number = (uint32_t)lines->all;
    added->users = building->own && mp_heap_own_is_users(building->own, code);
    return mp_slots_put(&at, &building->index, added->number) ? NULL : added;
}

static struct mp_heap_line *importing_line(struct building *building, uint32_t code)
{
    building->importer = building->importer ? building->importer : code;
    struct mp_heap_line *line = find(building, building->importer, 0);
    if (line)
        line->importing = true;
    return line;
}

static struct mp_heap_line *line_of(struct building *building, uint32_t node)
{
    uint32_t code = building->view->nodes[node].code;
    const struct mp_heap_own *own = building->own;
    if (own && own->together && mp_heap_own_is_importer(own, code))
        return importing_line(building, code);
    return find(building, code, building->lines->stacks.lines[node]);
}

/* Where nothing runs only what was allocated there has a line. */
static int place_node(struct building *building, uint32_t node)
{
    const struct mp_heap_node *its = &building->view->nodes[node];
    const struct mp_heap_own *own = building->own;
    if ((own && mp_heap_own_is_ours(own, node)) ||
        (!its->code && !mp_heap_has_figures(building->view, node)))
        return 0;
    struct mp_heap_line *line = line_of(building, node);
    if (!line)
        return -1;
    line->called |= its->code && !(own && mp_heap_own_is_outer(own, node));
    building->lines->places[node] = line->number;
    return 0;
}

static int place_nodes(struct building *building)
{
    size_t count = building->view->counts[MP_HEAP_NODES];
    uint32_t *places = building->lines->places = calloc(count + 1, sizeof *places);
    for (uint32_t i = 0; places && i < count; i++)
        if (place_node(building, i))
            return -1;
    building->lines->numbers = building->lines->all;
    return places ? 0 : -1;
}

static void add_weights(uint64_t sum[MP_HEAP_ORDERS], const struct mp_heap_line *line)
{
    for (int order = 0; order < MP_HEAP_ORDERS; order++)
        sum[order] = mp_sum_unsigned(sum[order],
                                     mp_heap_line_weight(line, (enum mp_heap_order)order));
}

static int add_node(struct building *building, uint32_t node)
{
    struct mp_heap_lines *lines = building->lines;
    struct mp_heap_line figures = mp_heap_line_of(building->view, node);
    if (!lines->places[node]) {
        mp_heap_line_add(&lines->own, &figures);
        return 0;
    }
    mp_heap_line_add(&lines->lines[lines->places[node] - 1], &figures);
    if (!building->weights)
        return 0;
    uint32_t origin = mp_heap_origins_find(&lines->origins, node);
    if (!origin)
        return -1;
    building->shares[node] = origin;
    add_weights(building->weights[building->lines->stacks.first[node]].by, &figures);
    add_weights(lines->origins.origins[origin - 1].by, &figures);
    return 0;
}

/* By what the user's line led to, all stacks together; then by the stack itself. */
static bool is_heavier(const struct mp_heap_heaviest *a, const struct mp_heap_heaviest *b)
{
    if (!b->node || a->by_user != b->by_user)
        return !b->node || a->by_user > b->by_user;
    return a->weight > b->weight;
}

static void note_heaviest(struct building *building, uint32_t node)
{
    const struct mp_heap_origins *origins = &building->lines->origins;
    const struct mp_heap_origin *origin = &origins->origins[building->shares[node] - 1];
    struct mp_heap_line *line = &building->lines->lines[origin->line - 1];
    uint32_t first = building->lines->stacks.first[node];
    line->stacks += !building->weights[first].counted;
    building->weights[first].counted = true;
    struct mp_heap_heaviest *heaviest = building->lines->heaviest[origin->line - 1];
    line->heaviest = heaviest;
    for (int order = 0; order < MP_HEAP_ORDERS; order++) {
        struct mp_heap_heaviest its = {first, origins->users[node],
                                       building->weights[first].by[order],
                                       origin->by[order]};
        if (is_heavier(&its, &heaviest[order]))
            heaviest[order] = its;
    }
}

static int collect(struct building *building)
{
    size_t count = building->view->counts[MP_HEAP_NODES];
    for (uint32_t i = 0; i < count; i++)
        if (mp_heap_has_figures(building->view, i) && add_node(building, i))
            return -1;
    for (uint32_t i = 0; i < count; i++)
        if (building->shares && building->shares[i])
            note_heaviest(building, i);
    return 0;
}

/* Where no code runs nothing is called. */
static struct mp_heap_sum sum_of(const struct mp_heap_line *line,
                                 const struct mp_heap_sum *sums)
{
    struct mp_heap_sum own = {line->at_peak, line->live, line->total, line->growth};
    return line->code ? sums[line->number] : own;
}

static int add_callees(struct building *building)
{
    struct mp_heap_lines *lines = building->lines;
    struct mp_heap_sum *sums = calloc(lines->numbers + 1, sizeof *sums);
    int failed =
        !sums || mp_heap_inclusive_init(&lines->inclusive, building->view, building->own) ||
        mp_heap_inclusive_sum(&lines->inclusive, lines->places, lines->numbers, sums);
    for (size_t i = 0; i < lines->all && !failed; i++)
        lines->lines[i].cumulative = sum_of(&lines->lines[i], sums);
    free(sums);
    return failed ? -1 : 0;
}

static bool led_to_any(const struct mp_heap_line *line)
{
    const struct mp_heap_sum *sum = &line->cumulative;
    return sum->at_peak || sum->live || sum->total || sum->growth;
}

/* Callers move behind those that allocated; what only started the program is dropped, and what has no part in a
   heap that was chosen by tags. */
static void put_in_order(struct mp_heap_lines *lines)
{
    size_t all = lines->all;
    lines->all = lines->count = 0;
    for (size_t i = 0; i < all; i++) {
        struct mp_heap_line line = lines->lines[i];
        bool used = mp_heap_line_is_used(&line);
        if (!used && !(line.called && led_to_any(&line)))
            continue;
        lines->lines[lines->all++] = line;
        if (!used)
            continue;
        lines->lines[lines->all - 1] = lines->lines[lines->count];
        lines->lines[lines->count++] = line;
    }
}

/* What it takes to know of each line who called it. */
static int find_callers(struct building *building)
{
    struct mp_heap_lines *lines = building->lines;
    size_t count = building->view->counts[MP_HEAP_NODES];
    building->weights = calloc(count + 1, sizeof *building->weights);
    building->shares = calloc(count + 1, sizeof *building->shares);
    lines->heaviest = calloc(lines->numbers + 1, sizeof *lines->heaviest);
    return !building->weights || !building->shares || !lines->heaviest ||
           mp_heap_origins_init(&lines->origins, building->view, lines->places,
                                building->own) ||
           mp_heap_calls_init(&lines->calls, building->view, building->own, &lines->stacks);
}

static int init(struct mp_heap_lines *lines, const struct mp_heap_view *view,
                const struct mp_heap_own *own, bool callers)
{
    *lines = (struct mp_heap_lines){0};
    struct building building = {.lines = lines, .view = view, .own = own};
    int failed = (callers ? mp_heap_stacks_init(&lines->stacks, view)
                          : mp_heap_stacks_init_lines(&lines->stacks, view)) ||
                 mp_slots_init(&building.index, 0) || place_nodes(&building) ||
                 (callers && find_callers(&building)) || collect(&building) ||
                 add_callees(&building);
    put_in_order(lines);
    mp_slots_release(&building.index);
    free(building.shares);
    free(building.weights);
    if (failed)
        mp_heap_lines_release(lines);
    return failed ? -1 : 0;
}

int mp_heap_lines_init(struct mp_heap_lines *lines, const struct mp_heap_view *view,
                       const struct mp_heap_own *own)
{
    return init(lines, view, own, true);
}

int mp_heap_lines_init_uncalled(struct mp_heap_lines *lines,
                                const struct mp_heap_view *view,
                                const struct mp_heap_own *own)
{
    return init(lines, view, own, false);
}
