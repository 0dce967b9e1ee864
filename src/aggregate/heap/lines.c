#include "aggregate/heap/lines.h"

#include <stdlib.h>
#include <string.h>

#include "base/saturate.h"

void mp_heap_line_add(struct mp_heap_line *sum, const struct mp_heap_line *line)
{
    sum->at_peak = mp_sum(sum->at_peak, line->at_peak);
    sum->live = mp_sum(sum->live, line->live);
    sum->blocks_at_peak = mp_sum_unsigned(sum->blocks_at_peak, line->blocks_at_peak);
    sum->live_blocks = mp_sum_unsigned(sum->live_blocks, line->live_blocks);
    sum->total = mp_sum_unsigned(sum->total, line->total);
    sum->blocks = mp_sum_unsigned(sum->blocks, line->blocks);
    sum->temporary = mp_sum_unsigned(sum->temporary, line->temporary);
    sum->growth = mp_sum(sum->growth, line->growth);
    sum->growth_blocks = mp_sum(sum->growth_blocks, line->growth_blocks);
    sum->marks |= line->marks;
}

static unsigned marks_of(const struct mp_heap_view *view, const struct mp_heap_node *node)
{
    bool is_thread = mp_heap_is_thread(&view->codes[node->code]);
    return (mp_heap_kind(node) == MP_HEAP_POOL ? MP_HEAP_MARK_POOL : 0u) |
           (is_thread ? MP_HEAP_MARK_THREAD : 0u);
}

struct mp_heap_line mp_heap_line_of(const struct mp_heap_view *view, uint32_t index)
{
    const struct mp_heap_node *node = &view->nodes[index];
    struct mp_heap_delta growth =
        view->growth ? view->growth[index] : (struct mp_heap_delta){0};
    return (struct mp_heap_line){.growth = growth.bytes,
                                 .growth_blocks = growth.blocks,
                                 .at_peak = mp_heap_at_peak(view, node),
                                 .live = mp_heap_live(node),
                                 .blocks_at_peak = mp_heap_blocks_at_peak(view, node),
                                 .live_blocks = mp_heap_live_blocks(node),
                                 .total = node->total,
                                 .blocks = node->blocks,
                                 .temporary = node->temporary,
                                 .marks = marks_of(view, node)};
}

static double larger(double share, double part, double whole)
{
    return whole > 0 && part / whole > share ? part / whole : share;
}

/* What growth is compared to: what was freed elsewhere may make the sum small. */
static double of_growth(const struct mp_heap_line *whole)
{
    uint64_t all = mp_heap_magnitude(whole->growth), live = mp_heap_magnitude(whole->live);
    return (double)(all > live ? all : live);
}

double mp_heap_line_share(const struct mp_heap_line *line, const struct mp_heap_line *whole)
{
    double share = larger(0, (double)line->at_peak, (double)whole->at_peak);
    share = larger(share, (double)line->live, (double)whole->live);
    share = larger(share, (double)line->total, (double)whole->total);
    share = larger(share, (double)mp_heap_magnitude(line->growth), of_growth(whole));
    share = share < 1 ? share : 1;
    return larger(share, (double)line->temporary, (double)whole->temporary);
}

void mp_heap_lines_release(struct mp_heap_lines *lines)
{
    mp_heap_calls_release(&lines->calls);
    mp_heap_stacks_release(&lines->stacks);
    mp_heap_inclusive_release(&lines->inclusive);
    mp_heap_origins_release(&lines->origins);
    free(lines->heaviest);
    free(lines->places);
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
    case MP_HEAP_BY_GROWTH:
        return line->growth > 0 ? (uint64_t)line->growth : 0;
    case MP_HEAP_BY_SHRINKING:
        return line->growth < 0 ? mp_heap_magnitude(line->growth) : 0;
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
    size_t length = a.offset == b.offset ? 0 : a.length < b.length ? a.length : b.length;
    int order = memcmp(view->text + a.offset, view->text + b.offset, length);
    return order ? order : (a.length > b.length) - (a.length < b.length);
}

int mp_heap_line_compare(const struct mp_heap_view *view, const struct mp_heap_line *a,
                         const struct mp_heap_line *b, enum mp_heap_order by)
{
    uint64_t x = mp_heap_line_weight(a, by), y = mp_heap_line_weight(b, by);
    if (x != y)
        return x < y ? 1 : -1;
    const struct mp_heap_code *codes = view->codes;
    int order = mp_heap_text_compare(view, codes[a->code].file, codes[b->code].file);
    if (!order)
        order = (a->line > b->line) - (a->line < b->line);
    if (!order)
        order = mp_heap_text_compare(view, codes[a->code].name, codes[b->code].name);
    return order ? order : (a->code > b->code) - (a->code < b->code);
}

static int compare(const void *left, const void *right, void *context)
{
    const struct ordering *by = context;
    return mp_heap_line_compare(by->view, left, right, by->order);
}

void mp_heap_lines_sort(struct mp_heap_lines *lines, const struct mp_heap_view *view,
                        enum mp_heap_order order)
{
    struct ordering by = {view, order};
    if (lines->count)
        qsort_r(lines->lines, lines->count, sizeof *lines->lines, compare, &by);
}
