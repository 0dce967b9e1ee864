#include "aggregate/heap/live_stacks.h"

#include <stdlib.h>

#include "aggregate/heap/live_place.h"
#include "base/array.h"
#include "base/saturate.h"

/* The stack of this number, added if new; NULL with errno ENOMEM. */
static struct mp_heap_live_stack *find(struct mp_heap_live_stacks *stacks,
                                       struct mp_slots *index, uint64_t stack)
{
    struct mp_slots_at at;
    for (mp_slots_begin(&at, index, stack); mp_slots_next(&at, index);)
        if (stacks->stacks[at.number - 1].stack == stack)
            return &stacks->stacks[at.number - 1];
    if (mp_array_reserve((void **)&stacks->stacks, &stacks->room, stacks->count + 1,
                         sizeof *stacks->stacks) ||
        mp_slots_put(&at, index, (uint32_t)stacks->count + 1))
        return NULL;
    struct mp_heap_live_stack *added = &stacks->stacks[stacks->count++];
    *added = (struct mp_heap_live_stack){.stack = stack};
    return added;
}

static int add_process(struct mp_heap_live_stacks *stacks, struct mp_slots *index,
                       const struct mp_heap_live_process *process, size_t row)
{
    for (uint32_t i = 0; i < process->count; i++) {
        const struct mp_heap_node *node = &process->view->nodes[i];
        if (process->nodes[i].row != row + 1 || !mp_heap_was_used(node))
            continue;
        struct mp_heap_live_stack *stack = find(stacks, index, process->nodes[i].stack);
        if (!stack)
            return -1;
        if (!stack->process) {
            stack->process = process;
            stack->node = i;
        }
        stack->live = mp_sum(stack->live, mp_heap_live(node));
        stack->blocks = mp_sum_unsigned(stack->blocks, mp_heap_live_blocks(node));
        stack->total = mp_sum_unsigned(stack->total, node->total);
    }
    return 0;
}

static int compare(const void *left, const void *right)
{
    const struct mp_heap_live_stack *a = left, *b = right;
    int order = (a->live < b->live) - (a->live > b->live);
    order = order ? order : (a->total < b->total) - (a->total > b->total);
    return order ? order : (a->node > b->node) - (a->node < b->node);
}

int mp_heap_live_stacks_init(struct mp_heap_live_stacks *stacks,
                             const struct mp_heap_live *live,
                             struct mp_heap_live_process *const *processes, size_t count,
                             size_t row)
{
    struct mp_slots index;
    *stacks = (struct mp_heap_live_stacks){0};
    if (live->group == MP_HEAP_LIVE_THREADS)
        return 0;
    int failed = mp_slots_init(&index, 0);
    for (size_t i = 0; i < count && !failed; i++)
        failed = add_process(stacks, &index, processes[i], row);
    mp_slots_release(&index);
    if (stacks->count)
        qsort(stacks->stacks, stacks->count, sizeof *stacks->stacks, compare);
    return failed;
}

void mp_heap_live_stacks_release(struct mp_heap_live_stacks *stacks)
{
    free(stacks->stacks);
    *stacks = (struct mp_heap_live_stacks){0};
}

static bool is_shown(const struct mp_heap_live_process *process, uint32_t node)
{
    uint32_t code = process->view->nodes[node].code;
    return code && !mp_heap_own_is_outer(&process->own, node) &&
           !mp_heap_own_is_ours(&process->own, node) &&
           !mp_heap_own_is_importer(&process->own, code);
}

bool mp_heap_live_frame(const struct mp_heap_live *live,
                        const struct mp_heap_live_process *process, uint32_t node,
                        struct mp_heap_live_frame *frame, uint32_t *next)
{
    const struct mp_heap_view *view = process->view;
    while (node && !is_shown(process, node))
        node = view->nodes[node].parent;
    if (!node)
        return false;
    uint32_t code = view->nodes[node].code;
    *frame = (struct mp_heap_live_frame){
        .file = view->codes[code].file,
        .name = view->codes[code].name,
        .skip = mp_heap_live_skip(live, view, view->codes[code].file),
        .line = process->sites[process->nodes[node].site].line,
        .users = mp_heap_own_is_users(&process->own, code)};
    *next = view->nodes[node].parent;
    return true;
}
