#include "capture/lines/spending.h"

#include "capture/heap/python/lines.h"
#include "capture/lines/tracer.h"

static void see(int64_t *high, int64_t net)
{
    if (net > *high)
        *high = net;
}

/* Hands a high water on to the next line out from `at` that counts. */
static void hand_on(struct mp_thread *thread, size_t at, int64_t high)
{
    while (at-- > 0)
        if (thread->stack[at].tracer->flow) {
            see(&thread->stack[at].spending.high, high);
            return;
        }
}

static void start_line(struct mp_spending *spending, struct mp_flow *flow)
{
    spending->allocated = flow->allocated;
    spending->net = spending->start = spending->high = spending->beside = flow->net;
    mp_flow_restart(flow);
}

void mp_spending_begin(struct mp_thread *thread)
{
    struct mp_activation *top = &thread->stack[thread->depth - 1];
    struct mp_flow *flow = top->tracer->flow();
    top->spending = (struct mp_spending){0};
    if (!flow)
        return;
    hand_on(thread, thread->depth - 1, mp_flow_high(flow));
    start_line(&top->spending, flow);
    top->spending.entry_allocated = top->spending.allocated;
    top->spending.entry_net = top->spending.net;
}

static void charge(struct mp_line *row, const struct mp_spending *line,
                   const struct mp_flow *flow)
{
    uint64_t allocated = flow->allocated - line->allocated;
    int64_t high = line->beside > line->high ? line->beside : line->high;
    row->allocated += allocated;
    row->freed += allocated - (uint64_t)(flow->net - line->net);
    see(&row->heap_peak, high - line->start);
}

void mp_spending_complete(struct mp_thread *thread)
{
    struct mp_activation *top = &thread->stack[thread->depth - 1];
    struct mp_spending *line = &top->spending;
    struct mp_flow *flow = top->tracer->flow();
    if (!flow)
        return;
    see(&line->high, mp_flow_high(flow));
    hand_on(thread, thread->depth - 1, line->high);
    if (top->entered)
        charge(top->row, line, flow);
    start_line(line, flow);
    if (!top->entered) {
        line->entry_allocated = line->allocated;
        line->entry_net = line->net;
    }
}

void mp_spending_settle(struct mp_activation *outer, const struct mp_activation *ended)
{
    const struct mp_spending *from = &ended->spending;
    outer->spending.allocated += from->allocated - from->entry_allocated;
    outer->spending.net += from->net - from->entry_net;
}

void mp_spending_raise(struct mp_thread *thread, size_t at)
{
    struct mp_activation *found = &thread->stack[at];
    if (!found->tracer->flow)
        return;
    hand_on(thread, at, found->spending.high);
    for (size_t above = at; above < thread->depth; above++)
        if (thread->stack[above].tracer->flow)
            see(&found->spending.beside, thread->stack[above].spending.high);
    found->spending.high = INT64_MIN;
}

void mp_spending_restart(struct mp_activation *one)
{
    struct mp_flow *flow = one->tracer->flow();
    if (!flow)
        return;
    start_line(&one->spending, flow);
    one->spending.entry_allocated = one->spending.allocated;
    one->spending.entry_net = one->spending.net;
}
