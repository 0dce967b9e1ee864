#include "store/heap/waste.h"

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
