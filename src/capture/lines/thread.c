#include "capture/lines/thread.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "capture/lines/tracer.h"

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
