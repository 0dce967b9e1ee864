#include "store/heap/sources.h"

#include <errno.h>

static struct mp_heap_text put_text(struct mp_heap *heap, const char *text, size_t length)
{
    struct mp_heap_text put = {(uint32_t)heap->header->counts[MP_HEAP_TEXT],
                               (uint32_t)length};
    memcpy(heap->text + put.offset, text, length);
    heap->header->counts[MP_HEAP_TEXT] += length;
    return put;
}

static int reserve(struct mp_heap *heap, enum mp_heap_table table, size_t more)
{
    return mp_heap_reserve(heap, table, more, MP_HEAP_FOR_LINES);
}

int mp_heap_keep_source(struct mp_heap *heap, const struct mp_heap_source *source,
                        const char *label, const struct mp_heap_kept_line *lines,
                        size_t count)
{
    size_t bytes = label ? strlen(label) : 0;
    for (size_t i = 0; i < count; i++)
        bytes += lines[i].length;
    uint64_t *counts = heap->header->counts;
    if (counts[MP_HEAP_TEXT] + bytes > UINT32_MAX) {
        errno = ENOSPC;
        return -1;
    }
    if (reserve(heap, MP_HEAP_TEXT, bytes) || reserve(heap, MP_HEAP_SOURCE_LINES, count) ||
        reserve(heap, MP_HEAP_SOURCES, 1))
        return -1;
    struct mp_heap_source *to = &heap->sources[counts[MP_HEAP_SOURCES]];
    struct mp_heap_source_line *line = &heap->source_lines[counts[MP_HEAP_SOURCE_LINES]];
    *to = *source;
    to->label = label ? put_text(heap, label, strlen(label)) : (struct mp_heap_text){0};
    to->first = (uint32_t)counts[MP_HEAP_SOURCE_LINES];
    to->count = (uint32_t)count;
    for (size_t i = 0; i < count; i++)
        line[i] = (struct mp_heap_source_line){
            lines[i].number, put_text(heap, lines[i].text, lines[i].length)};
    counts[MP_HEAP_SOURCE_LINES] += count;
    __atomic_store_n(&counts[MP_HEAP_SOURCES], counts[MP_HEAP_SOURCES] + 1,
                     __ATOMIC_RELEASE);
    return 0;
}
