#include "record/heap.h"

#include <errno.h>

#include "base/saturate.h"

_Static_assert(sizeof(struct mp_heap_node) == 64, "a node is one cache line");
_Static_assert(sizeof(struct mp_heap_moment) == 128, "as docs/heap-file.md says");
_Static_assert(sizeof(struct mp_heap_header) <= MP_HEAP_CHUNK, "the header is one chunk");

size_t mp_heap_item_size(enum mp_heap_table table)
{
    static const size_t sizes[MP_HEAP_TABLES] = {
        [MP_HEAP_NODES] = sizeof(struct mp_heap_node),
        [MP_HEAP_CODES] = sizeof(struct mp_heap_code),
        [MP_HEAP_TEXT] = 1,
        [MP_HEAP_THREADS] = sizeof(struct mp_heap_thread),
        [MP_HEAP_MOMENTS] = sizeof(struct mp_heap_moment),
        [MP_HEAP_ENTRIES] = sizeof(struct mp_heap_holding),
        [MP_HEAP_SOURCES] = sizeof(struct mp_heap_source),
        [MP_HEAP_SOURCE_LINES] = sizeof(struct mp_heap_source_line),
        [MP_HEAP_TYPES] = sizeof(struct mp_heap_type),
        [MP_HEAP_TYPED] = sizeof(struct mp_heap_typed),
        [MP_HEAP_TAGS] = sizeof(struct mp_heap_tag),
        [MP_HEAP_CENSUSES] = sizeof(struct mp_heap_census),
        [MP_HEAP_TYPED_THEN] = sizeof(struct mp_heap_typed),
        [MP_HEAP_HOLDERS] = sizeof(struct mp_heap_holder),
        [MP_HEAP_WASTE] = sizeof(struct mp_heap_waste),
    };
    return sizes[table];
}

int mp_heap_reserve(struct mp_heap *heap, enum mp_heap_table table, size_t more,
                    enum mp_heap_for share)
{
    static const unsigned eighths[] = {
        [MP_HEAP_FOR_IMPORTS] = 4,
        [MP_HEAP_FOR_LIBRARY] = 6,
        [MP_HEAP_FOR_PROGRAM] = 7,
        [MP_HEAP_FOR_LINES] = 8,
    };
    const unsigned most = heap->most / 8 * eighths[share];
    bool fits = heap->chunks <= most; /* a chunk beyond is for those who may have it */
    while (fits && heap->header->counts[table] + more > heap->room[table]) {
        fits = heap->chunks < most;
        if (fits && heap->grow(heap, table))
            return -1;
    }
    if (!fits)
        errno = ENOSPC;
    return fits ? 0 : -1;
}

struct mp_heap_view mp_heap_view_of(const struct mp_heap *heap)
{
    struct mp_heap_view view = {.header = heap->header,
                                .nodes = heap->nodes,
                                .codes = heap->codes,
                                .text = heap->text,
                                .threads = heap->threads,
                                .moments = heap->moments,
                                .entries = heap->entries,
                                .sources = heap->sources,
                                .source_lines = heap->source_lines,
                                .types = heap->types,
                                .tags = heap->tags,
                                .typed = heap->typed,
                                .censuses = heap->censuses,
                                .typed_then = heap->typed_then,
                                .holders = heap->holders,
                                .waste = heap->waste};
    for (int table = 0; table < MP_HEAP_TABLES; table++)
        view.counts[table] = heap->header->counts[table];
    return view;
}

uint64_t mp_heap_source_hash(const char *bytes, size_t length)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001b3;
    return hash;
}

struct mp_heap_totals mp_heap_totals(const struct mp_heap_view *view)
{
    struct mp_heap_totals totals = {0};
    for (size_t i = 0; i < view->counts[MP_HEAP_THREADS]; i++) {
        totals.total = mp_sum_unsigned(totals.total, view->threads[i].allocated);
        totals.blocks = mp_sum_unsigned(totals.blocks, view->threads[i].blocks);
        totals.frees = mp_sum_unsigned(totals.frees, view->threads[i].frees);
        totals.temporary = mp_sum_unsigned(totals.temporary, view->threads[i].temporary);
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
        kinds.at_peak[kind] = mp_sum(kinds.at_peak[kind], mp_heap_at_peak(view, node));
        kinds.live[kind] = mp_sum(kinds.live[kind], mp_heap_live(node));
    }
    kinds.at_peak[MP_HEAP_MMAP] =
        mp_sum(kinds.at_peak[MP_HEAP_MMAP], kinds.at_peak[MP_HEAP_POOL]);
    kinds.live[MP_HEAP_MMAP] = mp_sum(kinds.live[MP_HEAP_MMAP], kinds.live[MP_HEAP_POOL]);
    return kinds;
}

bool mp_heap_has_other_clock(const struct mp_heap_header *header,
                             const struct mp_heap_header *other)
{
    const char *one = header->identity.clock, *two = other->identity.clock;
    return *one && *two && strcmp(one, two) != 0;
}
