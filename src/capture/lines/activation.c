#include "capture/lines/activation.h"

#include "base/array.h"
#include "capture/lines/spending.h"

enum { FAR_ENOUGH = 64 }; /* activations that are looked through for a frame */

/* An activation goes on with a reading, or waits for the first that succeeds. */
static void enter(struct mp_thread *thread, struct mp_activation *top)
{
    int64_t bytes = mp_tracer_read(top->tracer, &thread->gate);
    top->entered = bytes >= 0;
    top->entry = top->last = top->entered ? bytes : 0;
    top->tracer->failed += !top->entered;
}

static struct mp_line *row_of(struct mp_line_table *table, int line)
{
    static struct mp_line
        elsewhere; /* lines outside the table: code with moved line numbers */
    struct mp_line *row = mp_line_table_row(table, line);
    return row ? row : &elsewhere;
}

/* The largest mark since the line began. While the gate saw no change the interval goes on into
   the next line, and no system call is made. */
static void watch_peak(struct mp_thread *thread, struct mp_activation *top, int64_t now)
{
    int64_t peak = now;
    if (!top->watched) {
        mp_peak_begin(&top->peak, now);
        top->watched = true;
        top->watched_at = thread->gate.changes;
    } else if (thread->gate.changes != top->watched_at) {
        peak = mp_peak_next(&top->peak, now);
        top->watched_at = thread->gate.changes;
    }
    if (peak > top->row->peak)
        top->row->peak = peak;
}

/* Leaves alone what only tracers that want more use: it is half of the structure. */
static inline void open_line(struct mp_activation *top, const void *frame,
                             struct mp_tracer *tracer, struct mp_line_table *table,
                             int line)
{
    top->frame = frame;
    top->table = table;
    top->tracer = tracer;
    top->row = row_of(table, line);
    top->line = line;
    top->entered = top->watched = top->block = top->moved = false;
    top->entry = top->last = 0;
}

void mp_activation_begin(struct mp_thread *thread, const void *frame,
                         struct mp_tracer *tracer, struct mp_line_table *table, int line,
                         bool resumed)
{
    if (thread->depth && thread->stack[thread->depth - 1].frame == frame)
        mp_activation_end(thread); /* the frame's memory was used again: that one is over */
    mp_activation_push(thread, frame, tracer, table, line, resumed);
}

void mp_activation_push(struct mp_thread *thread, const void *frame,
                        struct mp_tracer *tracer, struct mp_line_table *table, int line,
                        bool resumed)
{
    if (thread->depth == thread->room &&
        mp_array_reserve((void **)&thread->stack, &thread->room, thread->depth + 1,
                         sizeof *thread->stack)) {
        thread->dropped++;
        return;
    }
    struct mp_activation *top = &thread->stack[thread->depth++];
    open_line(top, frame, tracer, table, line);
    mp_tracer_keep(tracer);
    if (thread->context_count &&
        thread->contexts[thread->context_count - 1].tracer == tracer)
        thread->contexts[thread->context_count - 1].used = true;
    if (resumed) {
        enter(thread, top);
        if (tracer->peaks && top->entered) {
            mp_peak_begin(&top->peak, top->last);
            top->watched = true;
            top->watched_at = thread->gate.changes;
        }
    }
    if (tracer->flow)
        mp_spending_begin(thread);
}

/* Rotates the activation at `at` to the top: a greenlet switched back to it. */
struct mp_activation *mp_activation_raise(struct mp_thread *thread, size_t at)
{
    mp_spending_raise(thread, at);
    struct mp_activation found = thread->stack[at];
    for (; at + 1 < thread->depth; at++)
        thread->stack[at] = thread->stack[at + 1];
    thread->stack[at] = found;
    return &thread->stack[at];
}

struct mp_activation *mp_activation_find(struct mp_thread *thread, const void *frame)
{
    for (size_t back = 1; back <= thread->depth && back <= FAR_ENOUGH; back++) {
        size_t at = thread->depth - back;
        if (thread->stack[at].frame == frame)
            return back == 1 ? &thread->stack[at] : mp_activation_raise(thread, at);
    }
    return NULL;
}

static void measure_more(struct mp_thread *thread, struct mp_activation *top, int64_t now)
{
    if (top->tracer->flow)
        mp_spending_complete(thread);
    if (top->tracer->peaks)
        watch_peak(thread, top, now);
}

/* Memory cannot be read: charges nothing rather than nonsense. What it grew by goes to the line
   that completes next when it can. */
static void complete_unread(struct mp_thread *thread, struct mp_activation *top)
{
    struct mp_line *row = top->row;
    top->tracer->failed++;
    if (top->tracer->flow)
        mp_spending_complete(thread);
    if (!row->occurrences++)
        row->memory = -1;
}

/* Completes the line being run. The first completion is the entry row's: it takes the reading
   that the others are measured from. */
static inline void complete(struct mp_thread *thread, struct mp_activation *top)
{
    struct mp_line *row = top->row;
    int64_t now = mp_tracer_read(top->tracer, &thread->gate);
    if (__builtin_expect(now < 0, 0)) {
        complete_unread(thread, top);
        return;
    }
    if (__builtin_expect(top->tracer->more, 0))
        measure_more(thread, top, now);
    if (!row->occurrences++ || now > row->memory)
        row->memory = now;
    if (__builtin_expect(top->entered, 1)) {
        row->increment += now - top->last;
    } else {
        top->entered = true;
        top->entry = now;
        if (top->table->baseline < 0)
            mp_line_table_enter(top->table, now);
    }
    top->last = now;
}

static inline void reach(struct mp_thread *thread, struct mp_activation *top, int line)
{
    complete(thread, top);
    if (top->line != line) {
        top->line = line;
        top->row = row_of(top->table, line);
    }
}

/* The lowest of the activations of a frame, which stand near the top. */
static size_t lowest_of(const struct mp_thread *thread, const void *frame)
{
    size_t lowest = thread->depth;
    for (size_t back = 1; back <= thread->depth && back <= FAR_ENOUGH; back++)
        if (thread->stack[thread->depth - back].frame == frame)
            lowest = thread->depth - back;
    return lowest;
}

/* For a frame with blocks: each of its activations in turn comes to the top, outer ones first,
   so that they end up there in their order. */
static void reach_all(struct mp_thread *thread, const void *frame, int line)
{
    size_t count = 0, at = lowest_of(thread, frame);
    for (size_t i = at; i < thread->depth; i++)
        count += thread->stack[i].frame == frame;
    for (; count; count--) {
        while (thread->stack[at].frame != frame)
            at++;
        struct mp_activation *top = mp_activation_raise(thread, at);
        reach(thread, top, line);
        top->moved = true;
    }
}

void mp_activation_line(struct mp_thread *thread, struct mp_activation *top, int line)
{
    thread->events++;
    if (__builtin_expect(thread->blocks > 0, 0))
        reach_all(thread, top->frame, line);
    else
        reach(thread, top, line);
}

/* The growth of an activation that ended is in the table; take it out of the line that called
   it, which will complete later. */
static void settle(struct mp_thread *thread, const struct mp_activation *ended)
{
    for (size_t at = thread->depth; at-- > 0;)
        if (thread->stack[at].table == ended->table) {
            thread->stack[at].last += ended->last - ended->entry;
            if (ended->tracer->flow)
                mp_spending_settle(&thread->stack[at], ended);
            return;
        }
}

static void pop(struct mp_thread *thread)
{
    struct mp_activation *top = &thread->stack[thread->depth - 1];
    if (top->watched)
        mp_peak_end(&top->peak, top->last);
    thread->depth--;
    thread->blocks -= top->block;
    if (top->last != top->entry || top->tracer->flow)
        settle(thread, top);
    mp_tracer_drop(top->tracer);
}

static void end(struct mp_thread *thread)
{
    struct mp_activation *top = &thread->stack[thread->depth - 1];
    thread->events++;
    complete(thread, top);
    if (__builtin_expect(top->tracer->more, 0) && top->tracer->ends)
        top->tracer->ends(top->tracer);
    pop(thread);
}

void mp_activation_end(struct mp_thread *thread)
{
    const void *frame = thread->stack[thread->depth - 1].frame;
    end(thread);
    while (__builtin_expect(thread->blocks > 0, 0) && mp_activation_find(thread, frame))
        end(thread);
}

void mp_activation_close(struct mp_activation *top, struct mp_thread *thread)
{
    if (top->line == top->table->entry && top->moved)
        pop(thread);
    else
        end(thread);
}

void mp_activation_unwind(struct mp_thread *thread, size_t depth)
{
    while (thread->depth > depth)
        mp_activation_end(thread);
}

static void restart(struct mp_thread *thread, struct mp_activation *one)
{
    one->row = row_of(one->table, one->line);
    if (one->entered)
        enter(thread, one);
    if (one->watched)
        mp_peak_end(&one->peak, one->last);
    one->watched = false;
    if (one->tracer->flow)
        mp_spending_restart(one);
}

void mp_activation_restart(struct mp_thread *thread, const struct mp_tracer *tracer)
{
    for (size_t at = 0; at < thread->depth; at++)
        if (thread->stack[at].tracer == tracer)
            restart(thread, &thread->stack[at]);
}
