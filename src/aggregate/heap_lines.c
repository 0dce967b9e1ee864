#include "aggregate/heap_lines.h"

#include <stdlib.h>

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

void mp_heap_line_add(struct mp_heap_line *line, const struct mp_heap_line *more)
{
    line->at_peak = add(line->at_peak, more->at_peak);
    line->live = add(line->live, more->live);
    line->blocks_at_peak = add_unsigned(line->blocks_at_peak, more->blocks_at_peak);
    line->live_blocks = add_unsigned(line->live_blocks, more->live_blocks);
    line->total = add_unsigned(line->total, more->total);
    line->blocks = add_unsigned(line->blocks, more->blocks);
    line->temporary = add_unsigned(line->temporary, more->temporary);
}

void mp_heap_line_add_node(struct mp_heap_line *line, const struct mp_heap_view *view,
                           const struct mp_heap_node *node)
{
    struct mp_heap_line one = {.at_peak = mp_heap_at_peak(view, node),
                               .live = mp_heap_live(node),
                               .blocks_at_peak = mp_heap_blocks_at_peak(view, node),
                               .live_blocks = mp_heap_live_blocks(node),
                               .total = node->total,
                               .blocks = node->blocks,
                               .temporary = node->temporary};
    mp_heap_line_add(line, &one);
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

static int collect(struct mp_heap_lines *lines, const struct mp_heap_view *view,
                   const struct index *index)
{
    for (size_t i = 0; i < view->counts[MP_HEAP_NODES]; i++) {
        const struct mp_heap_node *node = &view->nodes[i];
        if (!node->blocks)
            continue;
        int line = mp_heap_line_of(view, node);
        uint32_t *slot = slot_of(index, lines, node->code, line);
        if (!*slot) {
            if (mp_array_reserve((void **)&lines->lines, &lines->room, lines->count + 1,
                                 sizeof *lines->lines))
                return -1;
            lines->lines[lines->count].code = node->code;
            lines->lines[lines->count].line = line;
            *slot = (uint32_t)++lines->count;
        }
        mp_heap_line_add_node(&lines->lines[*slot - 1], view, node);
    }
    return 0;
}

int mp_heap_lines_init(struct mp_heap_lines *lines, const struct mp_heap_view *view)
{
    *lines = (struct mp_heap_lines){0};
    size_t room = 16;
    while (room < view->counts[MP_HEAP_NODES] * 2)
        room *= 2;
    struct index index = {calloc(room, sizeof *index.slots), room - 1};
    int failed = index.slots ? collect(lines, view, &index) : -1;
    free(index.slots);
    if (failed)
        mp_heap_lines_release(lines);
    return failed;
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
    }
    return 0;
}

struct ordering {
    const struct mp_heap_view *view;
    enum mp_heap_order order;
};

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
