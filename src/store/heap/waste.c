#include "store/heap/waste.h"

#include <errno.h>

#include "store/heap/texts.h"

int mp_heap_keep_waste(struct mp_heap *heap, const struct mp_heap_waste *rows, size_t count,
                       const char *text, size_t size)
{
    uint64_t *counts = heap->header->counts;
    uint32_t begin;
    if (counts[MP_HEAP_WASTE]) {
        errno = EEXIST;
        return -1;
    }
    if (mp_heap_reserve(heap, MP_HEAP_WASTE, count, MP_HEAP_FOR_LINES) ||
        mp_heap_texts_append(heap, text, size, &begin))
        return -1;
    for (size_t i = 0; i < count; i++) {
        heap->waste[i] = rows[i];
        heap->waste[i].of += begin;
        heap->waste[i].place += begin;
        heap->waste[i].path += begin;
    }
    __atomic_store_n(&counts[MP_HEAP_WASTE], count, __ATOMIC_RELEASE);
    return 0;
}

static bool is_known(const struct mp_heap_waste *row)
{
    return row->kind == MP_HEAP_WASTE_ALL ||
           (row->kind < MP_HEAP_WASTE_FIRST + MP_WASTE_KINDS &&
            (!row->code || mp_waste_type(row->code)));
}

const char *mp_heap_waste_check(const struct mp_heap_view *view, size_t *at)
{
    uint64_t bytes = 0, room = view->counts[MP_HEAP_TEXT];
    for (*at = 0; *at < view->counts[MP_HEAP_WASTE]; ++*at) {
        const struct mp_heap_waste *row = &view->waste[*at];
        bytes += (uint64_t)row->path_length + row->of_length + row->place_length;
        if (!is_known(row))
            return "its kind is not known";
        if ((uint64_t)row->of + row->of_length > room ||
            (uint64_t)row->place + row->place_length > room ||
            (uint64_t)row->path + row->path_length > room)
            return "a text is not in the file";
        if (bytes > room)
            return "texts overlap";
    }
    return NULL;
}
