#include "record/heap.h"

_Static_assert(sizeof(struct mp_heap_node) == 64, "a node is one cache line");
_Static_assert(sizeof(struct mp_heap_header) <= MP_HEAP_CHUNK, "the header is one chunk");

size_t mp_heap_item_size(enum mp_heap_table table)
{
    static const size_t sizes[MP_HEAP_TABLES] = {
        [MP_HEAP_NODES] = sizeof(struct mp_heap_node),
        [MP_HEAP_CODES] = sizeof(struct mp_heap_code),
        [MP_HEAP_TEXT] = 1,
        [MP_HEAP_THREADS] = sizeof(struct mp_heap_thread),
    };
    return sizes[table];
}

int mp_heap_reserve(struct mp_heap *heap, enum mp_heap_table table, size_t more)
{
    while (heap->header->counts[table] + more > heap->room[table])
        if (heap->grow(heap, table))
            return -1;
    return 0;
}

struct mp_heap_view mp_heap_view_of(const struct mp_heap *heap)
{
    struct mp_heap_view view = {.header = heap->header,
                                .nodes = heap->nodes,
                                .codes = heap->codes,
                                .text = heap->text,
                                .threads = heap->threads};
    for (int table = 0; table < MP_HEAP_TABLES; table++)
        view.counts[table] = heap->header->counts[table];
    return view;
}

struct mp_heap_totals mp_heap_totals(const struct mp_heap_view *view)
{
    struct mp_heap_totals totals = {0};
    for (size_t i = 0; i < view->counts[MP_HEAP_THREADS]; i++) {
        totals.total += view->threads[i].allocated;
        totals.blocks += view->threads[i].blocks;
        totals.frees += view->threads[i].frees;
        totals.temporary += view->threads[i].temporary;
    }
    for (size_t i = 0; i < view->counts[MP_HEAP_NODES]; i++) {
        totals.peak_blocks += mp_heap_blocks_at_peak(view, &view->nodes[i]);
        totals.live_blocks += mp_heap_live_blocks(&view->nodes[i]);
    }
    return totals;
}

struct mp_heap_kinds mp_heap_kinds(const struct mp_heap_view *view)
{
    struct mp_heap_kinds kinds = {0};
    for (size_t i = 0; i < view->counts[MP_HEAP_NODES]; i++) {
        const struct mp_heap_node *node = &view->nodes[i];
        enum mp_heap_kind kind = mp_heap_kind(node);
        if (kind >= MP_HEAP_KINDS)
            continue;
        int64_t *at_peak = &kinds.at_peak[kind], *live = &kinds.live[kind];
        if (__builtin_add_overflow(*at_peak, mp_heap_at_peak(view, node), at_peak))
            *at_peak = INT64_MAX;
        if (__builtin_add_overflow(*live, mp_heap_live(node), live))
            *live = INT64_MAX;
    }
    return kinds;
}
