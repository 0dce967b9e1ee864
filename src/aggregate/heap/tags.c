#include "aggregate/heap/tags.h"

#include <stdlib.h>

#include "aggregate/heap/charged.h"
#include "base/saturate.h"

static int by_name(const void *left, const void *right, void *context)
{
    const struct mp_heap_view *view = context;
    const struct mp_heap_tag *a = &view->tags[*(const uint32_t *)left];
    const struct mp_heap_tag *b = &view->tags[*(const uint32_t *)right];
    return mp_heap_text_compare(view, a->name, b->name);
}

int mp_heap_tag_order_init(struct mp_heap_tag_order *order, const struct mp_heap_view *view)
{
    size_t count = view->counts[MP_HEAP_TAGS];
    *order = (struct mp_heap_tag_order){calloc(count + 1, sizeof *order->tags), count};
    for (size_t i = 0; order->tags && i < count; i++)
        order->tags[i] = (uint32_t)i;
    if (order->tags && count)
        qsort_r(order->tags, count, sizeof *order->tags, by_name, (void *)view);
    return order->tags ? 0 : -1;
}

void mp_heap_tag_order_release(struct mp_heap_tag_order *order)
{
    free(order->tags);
    *order = (struct mp_heap_tag_order){0};
}

bool mp_heap_tag_order_is_new(const struct mp_heap_tag_order *order,
                              const struct mp_heap_view *view, size_t position)
{
    const uint32_t *at = &order->tags[position];
    return !position || by_name(at - 1, at, (void *)view);
}

static int name_all(struct mp_heap_tags *tags, const struct mp_heap_view *view)
{
    struct mp_heap_tag_order order;
    int failed = mp_heap_tag_order_init(&order, view);
    tags->count = 1;
    for (size_t i = 0; !failed && i < order.count; i++) {
        const struct mp_heap_tag *tag = &view->tags[order.tags[i]];
        if (mp_heap_tag_order_is_new(&order, view, i))
            tags->tags[tags->count++].name = tag->name;
        tags->of[tag->node] = (uint32_t)tags->count - 1;
    }
    mp_heap_tag_order_release(&order);
    return failed;
}

/* What a tag has in a line. */
struct pair {
    uint32_t tag, line;
    int64_t bytes;
};

static int by_pair(const void *left, const void *right)
{
    const struct pair *a = left, *b = right;
    return a->tag != b->tag ? (a->tag > b->tag) - (a->tag < b->tag)
                            : (a->line > b->line) - (a->line < b->line);
}

static void take_heaviest(struct mp_heap_tags *tags, const struct mp_heap_charged *charged,
                          struct pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct mp_heap_tagged *tag = &tags->tags[pairs[i].tag];
        if (i && !by_pair(&pairs[i - 1], &pairs[i]))
            pairs[i].bytes = mp_sum(pairs[i].bytes, pairs[i - 1].bytes);
        const struct mp_heap_line *line = mp_heap_charged_line(charged, pairs[i].line);
        if (!line || pairs[i].bytes <= tag->most)
            continue;
        tag->most = pairs[i].bytes;
        tag->code = line->code;
        tag->line = line->line;
    }
}

/* Of each tag the line that it has most in. */
static int find_lines(struct mp_heap_tags *tags, const struct mp_heap_view *view,
                      const struct mp_heap_lines *lines)
{
    struct mp_heap_charged charged;
    size_t nodes = view->counts[MP_HEAP_NODES], count = 0;
    struct pair *pairs = calloc(nodes + 1, sizeof *pairs);
    int failed = mp_heap_charged_init(&charged, lines) || !pairs;
    for (uint32_t i = 0; i < nodes && !failed; i++) {
        int64_t bytes = mp_heap_at_peak(view, &view->nodes[i]);
        if (bytes > 0 && lines->places[i])
            pairs[count++] =
                (struct pair){tags->of[i], mp_heap_charged_to(&charged, i), bytes};
    }
    if (count)
        qsort(pairs, count, sizeof *pairs, by_pair);
    if (!failed)
        take_heaviest(tags, &charged, pairs, count);
    mp_heap_charged_release(&charged);
    free(pairs);
    return failed ? -1 : 0;
}

int mp_heap_tags_init(struct mp_heap_tags *tags, const struct mp_heap_view *view,
                      const struct mp_heap_lines *lines)
{
    size_t nodes = view->counts[MP_HEAP_NODES];
    *tags = (struct mp_heap_tags){
        .tags = calloc(view->counts[MP_HEAP_TAGS] + 1, sizeof *tags->tags),
        .of = calloc(nodes + 1, sizeof *tags->of)};
    if (!tags->tags || !tags->of || name_all(tags, view))
        return -1;
    for (uint32_t i = 0; i < nodes; i++) {
        if (i && !tags->of[i])
            tags->of[i] = tags->of[view->nodes[i].parent];
        struct mp_heap_line figures = mp_heap_line_of(view, i);
        if (mp_heap_has_figures(view, i))
            mp_heap_line_add(&tags->tags[tags->of[i]].sum, &figures);
    }
    return find_lines(tags, view, lines);
}

void mp_heap_tags_release(struct mp_heap_tags *tags)
{
    free(tags->tags);
    free(tags->of);
    *tags = (struct mp_heap_tags){0};
}
