#include "aggregate/heap/path.h"

#include <stdbool.h>
#include <stdlib.h>

struct mp_heap_frame mp_heap_frame_of(const struct mp_heap_calls *calls, uint32_t node)
{
    return (struct mp_heap_frame){calls->view->nodes[node].code, calls->lines[node], 1};
}

static bool is_same(const struct mp_heap_calls *calls, uint32_t a, uint32_t b)
{
    return calls->view->nodes[a].code == calls->view->nodes[b].code &&
           calls->lines[a] == calls->lines[b];
}

static struct mp_heap_call call_of(const struct mp_heap_calls *calls,
                                   const struct mp_heap_own *own, uint32_t node)
{
    const struct mp_heap_node *its = &calls->view->nodes[node];
    uint32_t caller = calls->calls[its->parent].above;
    if (own && mp_heap_own_is_outer(own, node))
        return (struct mp_heap_call){0};
    if (own && (mp_heap_own_is_importer(own, its->code) || mp_heap_own_is_ours(own, node)))
        return (struct mp_heap_call){.above = caller};
    const struct mp_heap_call *there = &calls->calls[caller];
    bool again = caller && is_same(calls, caller, node);
    return (struct mp_heap_call){.above = node,
                                 .next = again ? there->next : caller,
                                 .times = again ? there->times + 1 : 1,
                                 .depth = there->depth + 1};
}

int mp_heap_calls_init(struct mp_heap_calls *calls, const struct mp_heap_view *view,
                       const struct mp_heap_own *own, const struct mp_heap_stacks *stacks)
{
    size_t count = view->counts[MP_HEAP_NODES];
    *calls = (struct mp_heap_calls){view, stacks->lines,
                                    calloc(count + 1, sizeof *calls->calls)};
    for (uint32_t i = 1; calls->calls && i < count; i++)
        calls->calls[i] = call_of(calls, own, i);
    return calls->calls ? 0 : -1;
}

void mp_heap_calls_release(struct mp_heap_calls *calls)
{
    free(calls->calls);
    *calls = (struct mp_heap_calls){0};
}

size_t mp_heap_callers(const struct mp_heap_calls *calls, uint32_t node,
                       struct mp_heap_frame *frames, size_t room, size_t *left_out)
{
    size_t count = 0;
    uint32_t at = calls->calls[calls->view->nodes[node].parent].above;
    for (; at && count < room; at = calls->calls[at].next) {
        frames[count] = mp_heap_frame_of(calls, at);
        frames[count++].times = calls->calls[at].times;
    }
    *left_out = calls->calls[at].depth;
    return count;
}
