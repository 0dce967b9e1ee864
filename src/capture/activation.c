#include "capture/activation.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "capture/tracer.h"

static __thread struct mp_thread *self __attribute__((tls_model("initial-exec")));
static enum mp_gate_kind gate_kind = MP_GATE_PERF;
static pthread_key_t at_thread_end;

static void release(void *state)
{
    struct mp_thread *thread = state;
    self = NULL;
    /* References to tracers are not dropped here: a thread ends without the interpreter's lock. */
    mp_gate_release(&thread->gate);
    free(thread->stack);
    free(thread->contexts);
    free(thread);
}

/* MEMORY_PROFILER_GATE=ring|rusage|none, for whole runs; other values change nothing. */
static void heed_environment(void)
{
    static const char *const names[] = {"ring", "rusage", "none"};
    const char *wanted = secure_getenv("MEMORY_PROFILER_GATE");
    for (int kind = MP_GATE_PERF; wanted && kind <= MP_GATE_NONE; kind++)
        if (!strcmp(wanted, names[kind]))
            gate_kind = (enum mp_gate_kind)kind;
}

static void start(void)
{
    pthread_key_create(&at_thread_end, release);
    heed_environment();
}

static void start_once(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start);
}

static struct mp_thread *make_self(void)
{
    start_once();
    struct mp_thread *thread = calloc(1, sizeof *thread);
    if (!thread)
        return NULL;
    mp_gate_init(&thread->gate, gate_kind, mp_tracer_meter());
    pthread_setspecific(at_thread_end, thread);
    return self = thread;
}

struct mp_thread *mp_thread_self(void)
{
    return __builtin_expect(self != NULL, 1) ? self : make_self();
}

void mp_thread_use_gate(enum mp_gate_kind kind)
{
    start_once(); /* what is asked for here goes before the environment */
    gate_kind = kind;
    if (self) {
        mp_gate_release(&self->gate);
        mp_gate_init(&self->gate, kind, mp_tracer_meter());
    }
}

static int64_t read_now(struct mp_thread *thread, struct mp_activation *top)
{
    int64_t bytes = mp_tracer_read(top->tracer, thread);
    if (__builtin_expect(bytes >= 0, 1))
        return bytes;
    top->tracer->failed++; /* charge nothing rather than nonsense */
    return top->last;
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
    top->entered = top->watched = false;
    top->entry = top->last = 0;
}

void mp_activation_begin(struct mp_thread *thread, const void *frame,
                         struct mp_tracer *tracer, struct mp_line_table *table, int line,
                         bool resumed)
{
    if (thread->depth && thread->stack[thread->depth - 1].frame == frame)
        mp_activation_end(thread); /* the frame's memory was used again: that one is over */
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
        top->entered = true;
        top->entry = top->last = read_now(thread, top);
        if (tracer->peaks) {
            mp_peak_begin(&top->peak, top->last);
            top->watched = true;
            top->watched_at = thread->gate.changes;
        }
    }
    if (tracer->flow)
        mp_spending_begin(thread);
}

/* Rotates the activation at `at` to the top: a greenlet switched back to it. */
static struct mp_activation *raise_to_top(struct mp_thread *thread, size_t at)
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
    enum { FAR_ENOUGH = 64 };
    for (size_t back = 1; back <= thread->depth && back <= FAR_ENOUGH; back++) {
        size_t at = thread->depth - back;
        if (thread->stack[at].frame == frame)
            return back == 1 ? &thread->stack[at] : raise_to_top(thread, at);
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

/* Completes the line being run. The first completion is the entry row's: it takes the reading
   that the others are measured from. */
static inline void complete(struct mp_thread *thread, struct mp_activation *top,
                            int64_t now)
{
    struct mp_line *row = top->row;
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
            top->table->baseline = now;
    }
    top->last = now;
}

void mp_activation_line(struct mp_thread *thread, struct mp_activation *top, int line)
{
    thread->events++;
    complete(thread, top, read_now(thread, top));
    if (top->line != line) {
        top->line = line;
        top->row = row_of(top->table, line);
    }
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

void mp_activation_end(struct mp_thread *thread)
{
    struct mp_activation *top = &thread->stack[thread->depth - 1];
    thread->events++;
    complete(thread, top, read_now(thread, top));
    if (top->watched)
        mp_peak_end(&top->peak, top->last);
    thread->depth--;
    if (top->last != top->entry || top->tracer->flow)
        settle(thread, top);
    mp_tracer_drop(top->tracer);
}

void mp_activation_unwind(struct mp_thread *thread, size_t depth)
{
    while (thread->depth > depth)
        mp_activation_end(thread);
}
