#include "aggregate/heap_lines.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/heap_origins.h"
#include "aggregate/heap_stacks.h"
#include "base/array.h"

static int64_t add(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static uint64_t add_unsigned(uint64_t a, uint64_t b)
{
    return a + b < a ? UINT64_MAX : a + b;
}

void mp_heap_line_add(struct mp_heap_line *sum, const struct mp_heap_line *line)
{
    sum->at_peak = add(sum->at_peak, line->at_peak);
    sum->live = add(sum->live, line->live);
    sum->blocks_at_peak = add_unsigned(sum->blocks_at_peak, line->blocks_at_peak);
    sum->live_blocks = add_unsigned(sum->live_blocks, line->live_blocks);
    sum->total = add_unsigned(sum->total, line->total);
    sum->blocks = add_unsigned(sum->blocks, line->blocks);
    sum->temporary = add_unsigned(sum->temporary, line->temporary);
}

struct mp_heap_line mp_heap_line_of(const struct mp_heap_view *view, uint32_t index)
{
    const struct mp_heap_node *node = &view->nodes[index];
    return (struct mp_heap_line){.at_peak = mp_heap_at_peak(view, node),
                                 .live = mp_heap_live(node),
                                 .blocks_at_peak = mp_heap_blocks_at_peak(view, node),
                                 .live_blocks = mp_heap_live_blocks(node),
                                 .total = node->total,
                                 .blocks = node->blocks,
                                 .temporary = node->temporary};
}

static double larger(double share, double part, double whole)
{
    return whole > 0 && part / whole > share ? part / whole : share;
}

double mp_heap_line_share(const struct mp_heap_line *line, const struct mp_heap_line *whole)
{
    double share = larger(0, (double)line->at_peak, (double)whole->at_peak);
    share = larger(share, (double)line->live, (double)whole->live);
    share = larger(share, (double)line->total, (double)whole->total);
    return larger(share, (double)line->temporary, (double)whole->temporary);
}

/* An index of the lines, for the time of building them: positions + 1. */
struct index {
    uint32_t *slots;
    size_t mask;
};

static uint32_t *slot_of(const struct index *index, const struct mp_heap_lines *lines,
                         uint32_t code, int line)
{
    uint64_t hash = ((uint64_t)code << 32 | (uint32_t)line) * 0x9E3779B97F4A7C15u;
    size_t at = (size_t)(hash >> 32) & index->mask;
    for (; index->slots[at]; at = (at + 1) & index->mask) {
        const struct mp_heap_line *there = &lines->lines[index->slots[at] - 1];
        if (there->code == code && there->line == line)
            break;
    }
    return &index->slots[at];
}

/* The line of a node, added if new; NULL with errno ENOMEM. */
static struct mp_heap_line *find(struct mp_heap_lines *lines, const struct index *index,
                                 uint32_t code, int line)
{
    uint32_t *slot = slot_of(index, lines, code, line);
    if (!*slot) {
        if (mp_array_reserve((void **)&lines->lines, &lines->room, lines->count + 1,
                             sizeof *lines->lines))
            return NULL;
        lines->lines[lines->count].code = code;
        lines->lines[lines->count].line = line;
        *slot = (uint32_t)++lines->count;
    }
    return &lines->lines[*slot - 1];
}

static void add_weights(uint64_t sum[MP_HEAP_ORDERS], const struct mp_heap_line *line)
{
    for (int order = 0; order < MP_HEAP_ORDERS; order++)
        sum[order] =
            add_unsigned(sum[order], mp_heap_line_weight(line, (enum mp_heap_order)order));
}

/* What is built, from what. */
struct building {
    struct mp_heap_lines *lines;
    const struct mp_heap_view *view;
    const struct mp_heap_own *own;
    struct mp_heap_stacks stacks;
    struct mp_heap_origins origins;
    struct weights { /* of each stack's first node, in each order */
        uint64_t by[MP_HEAP_ORDERS];
        bool counted;
    } * weights;
    uint32_t *shares; /* of each node: the origin of its share + 1, 0 where it has none */
    struct index index;
    uint32_t importer; /* the code that stands for import machinery; 0: not met yet */
};

static struct mp_heap_line *importing_line(struct building *building, uint32_t code)
{
    building->importer = building->importer ? building->importer : code;
    struct mp_heap_line *line =
        find(building->lines, &building->index, building->importer, 0);
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
    return find(building->lines, &building->index, code, building->stacks.lines[node]);
}

static int add_node(struct building *building, uint32_t node)
{
    struct mp_heap_line figures = mp_heap_line_of(building->view, node);
    if (building->own && mp_heap_own_is_ours(building->own, node)) {
        mp_heap_line_add(&building->lines->own, &figures);
        return 0;
    }
    struct mp_heap_line *line = line_of(building, node);
    if (!line)
        return -1;
    uint32_t at = (uint32_t)(line - building->lines->lines);
    uint32_t origin = mp_heap_origins_find(&building->origins, at, node);
    building->shares[node] = origin + 1;
    mp_heap_line_add(line, &figures);
    add_weights(building->weights[building->stacks.first[node]].by, &figures);
    add_weights(building->origins.origins[origin].by, &figures);
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
    const struct mp_heap_origin *origin =
        &building->origins.origins[building->shares[node] - 1];
    struct mp_heap_line *line = &building->lines->lines[origin->line];
    uint32_t first = building->stacks.first[node];
    line->stacks += !building->weights[first].counted;
    building->weights[first].counted = true;
    for (int order = 0; order < MP_HEAP_ORDERS; order++) {
        struct mp_heap_heaviest its = {first, building->origins.users[node],
                                       building->weights[first].by[order],
                                       origin->by[order]};
        if (is_heavier(&its, &line->heaviest[order]))
            line->heaviest[order] = its;
    }
}

static int collect(struct building *building)
{
    size_t count = building->view->counts[MP_HEAP_NODES];
    for (uint32_t i = 0; i < count; i++)
        if (mp_heap_was_used(&building->view->nodes[i]) && add_node(building, i))
            return -1;
    for (uint32_t i = 0; i < count; i++)
        if (building->shares[i])
            note_heaviest(building, i);
    return 0;
}

int mp_heap_lines_init(struct mp_heap_lines *lines, const struct mp_heap_view *view,
                       const struct mp_heap_own *own)
{
    *lines = (struct mp_heap_lines){0};
    size_t count = view->counts[MP_HEAP_NODES], room = 16;
    while (room < count * 2)
        room *= 2;
    struct building building = {
        .lines = lines,
        .view = view,
        .own = own,
        .weights = calloc(count + 1, sizeof *building.weights),
        .shares = calloc(count + 1, sizeof *building.shares),
        .index = {calloc(room, sizeof *building.index.slots), room - 1}};
    int failed = !building.weights || !building.shares || !building.index.slots ||
                 mp_heap_stacks_init(&building.stacks, view) ||
                 mp_heap_origins_init(&building.origins, view, &building.stacks, own) ||
                 collect(&building);
    mp_heap_origins_release(&building.origins);
    mp_heap_stacks_release(&building.stacks);
    free(building.index.slots);
    free(building.shares);
    free(building.weights);
    if (failed)
        mp_heap_lines_release(lines);
    return failed ? -1 : 0;
}

void mp_heap_lines_release(struct mp_heap_lines *lines)
{
    free(lines->lines);
    *lines = (struct mp_heap_lines){0};
}

uint64_t mp_heap_line_weight(const struct mp_heap_line *line, enum mp_heap_order order)
{
    switch (order) {
    case MP_HEAP_BY_PEAK:
        return (uint64_t)line->at_peak;
    case MP_HEAP_BY_LIVE:
        return (uint64_t)line->live;
    case MP_HEAP_BY_CHURN:
        return line->temporary;
    case MP_HEAP_ORDERS:
        break;
    }
    return 0;
}

struct ordering {
    const struct mp_heap_view *view;
    enum mp_heap_order order;
};

int mp_heap_text_compare(const struct mp_heap_view *view, struct mp_heap_text a,
                         struct mp_heap_text b)
{
    size_t length = a.length < b.length ? a.length : b.length;
    int order = memcmp(view->text + a.offset, view->text + b.offset, length);
    return order ? order : (a.length > b.length) - (a.length < b.length);
}

static int compare(const void *left, const void *right, void *context)
{
    const struct ordering *by = context;
    const struct mp_heap_line *a = left, *b = right;
    uint64_t x = mp_heap_line_weight(a, by->order), y = mp_heap_line_weight(b, by->order);
    if (x != y)
        return x < y ? 1 : -1;
    const struct mp_heap_code *codes = by->view->codes;
    int order = mp_heap_text_compare(by->view, codes[a->code].file, codes[b->code].file);
    if (!order)
        order = (a->line > b->line) - (a->line < b->line);
    if (!order)
        order = mp_heap_text_compare(by->view, codes[a->code].name, codes[b->code].name);
    return order ? order : (a->code > b->code) - (a->code < b->code);
}

void mp_heap_lines_sort(struct mp_heap_lines *lines, const struct mp_heap_view *view,
                        enum mp_heap_order order)
{
    struct ordering by = {view, order};
    if (lines->count)
        qsort_r(lines->lines, lines->count, sizeof *lines->lines, compare, &by);
}
