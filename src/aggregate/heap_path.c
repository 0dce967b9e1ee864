#include "aggregate/heap_path.h"

#include <stdbool.h>

#include "record/location.h"

static int line_of(const struct mp_heap_view *view, const struct mp_heap_node *node)
{
    const struct mp_heap_code *code = &view->codes[node->code];
    return mp_location_line(view->text + code->lines.offset, code->lines.length,
                            code->first_line, mp_heap_instruction(node));
}

struct mp_heap_frame mp_heap_frame_of(const struct mp_heap_view *view, uint32_t node)
{
    const struct mp_heap_node *its = &view->nodes[node];
    return (struct mp_heap_frame){its->code, line_of(view, its), 1};
}

static bool is_inside(const struct mp_heap_own *own, uint32_t node)
{
    return node && !(own && mp_heap_own_is_outer(own, node));
}

static bool is_hidden(const struct mp_heap_view *view, const struct mp_heap_own *own,
                      uint32_t node)
{
    return own && (mp_heap_own_is_importer(own, view->nodes[node].code) ||
                   mp_heap_own_is_ours(own, node));
}

size_t mp_heap_callers(const struct mp_heap_view *view, const struct mp_heap_own *own,
                       uint32_t node, struct mp_heap_frame *frames, size_t room,
                       size_t *left_out)
{
    size_t count = 0;
    *left_out = 0;
    for (uint32_t at = view->nodes[node].parent; is_inside(own, at);
         at = view->nodes[at].parent) {
        const struct mp_heap_node *caller = &view->nodes[at];
        if (is_hidden(view, own, at))
            continue;
        if (*left_out) {
            ++*left_out; /* a deep stack's lines need not be found */
            continue;
        }
        int line = line_of(view, caller);
        struct mp_heap_frame *last = count ? &frames[count - 1] : NULL;
        if (last && last->code == caller->code && last->line == line)
            last->times++;
        else if (count < room)
            frames[count++] = (struct mp_heap_frame){caller->code, line, 1};
        else
            (*left_out)++;
    }
    return count;
}
