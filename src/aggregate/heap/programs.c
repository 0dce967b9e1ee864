#include "aggregate/heap/programs.h"

static bool starts(const struct mp_heap_view *view, const struct mp_heap_own *own,
                   size_t node)
{
    static const char module[] = "<module>";
    const struct mp_heap_code *code = &view->codes[view->nodes[node].code];
    return code->name.length == sizeof module - 1 &&
           !memcmp(view->text + code->name.offset, module, sizeof module - 1) &&
           mp_heap_own_is_outer(own, view->nodes[node].parent) &&
           !mp_heap_own_is_outer(own, (uint32_t)node);
}

size_t mp_heap_programs(const struct mp_heap_view *view, const struct mp_heap_own *own,
                        struct mp_heap_text files[MP_HEAP_PROGRAMS])
{
    uint32_t last = 0;
    size_t count = 0;
    for (size_t i = 1; i < view->counts[MP_HEAP_NODES] && count < MP_HEAP_PROGRAMS; i++) {
        if (!starts(view, own, i) || view->nodes[i].code == last)
            continue;
        last = view->nodes[i].code;
        files[count++] = view->codes[last].file;
    }
    return count;
}
