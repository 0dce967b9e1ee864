/* Line events on CPython 3.11, which has no sys.monitoring: a C trace function, switched on only
 * around frames whose code is traced.
 *
 *     call --> evaluate() --+-- not traced, not called from a traced frame: run it
 *                           +-- traced: claim(), run it   \  then claim() or lend(), as the
 *                           +-- not traced: lend(), run it /  caller's frame needs
 *
 * evaluate() is the interpreter's frame evaluation function (PEP 523) while any code is traced.
 * claim() puts trace() into the thread's slot for a trace function; lend() gives the slot back
 * to the program's own, to which trace() hands on all it sees. Measured: 1.34 times for calls of
 * code that nobody traces, because the interpreter no longer runs them in one C frame; where
 * that would overflow the C stack, trace_deep.c lets it.
 */
#include "capture/trace_eval.h"

#include <internal/pycore_frame.h>
#include <stdbool.h>

#include "base/stack.h"
#include "capture/activation.h"
#include "capture/trace.h"
#include "capture/trace_code.h"
#include "capture/tracer.h"

__thread struct mp_host mp_host __attribute__((tls_model("initial-exec")));

static bool is_traced(PyCodeObject *code)
{
    if (__builtin_expect(!code->co_extra, 1))
        return false;
    const struct mp_code_notes *notes = mp_code_notes_peek((PyObject *)code);
    return notes && notes->traced;
}

/* A traced frame runs in the same C frame as this one, which is its callee if not itself. */
static bool runs_traced(const _PyInterpreterFrame *frame)
{
    for (; frame; frame = frame->previous) {
        if (is_traced(frame->f_code))
            return true;
        if (frame->is_entry)
            return false;
    }
    return false;
}

/* --- the slot for a trace function --- */

static int trace(PyObject *, PyFrameObject *, int, PyObject *);

static void claim(PyThreadState *thread)
{
    if (thread->c_tracefunc != trace) {
        mp_host.theirs = thread->c_tracefunc;
        thread->c_tracefunc = trace;
    }
    thread->cframe->use_tracing = thread->tracing ? 0 : 255;
}

static void lend(PyThreadState *thread)
{
    if (thread->c_tracefunc == trace)
        thread->c_tracefunc = mp_host.theirs;
    bool wanted = thread->c_profilefunc || thread->c_tracefunc;
    thread->cframe->use_tracing = wanted && !thread->tracing ? 255 : 0;
}

static void hand_back(PyThreadState *thread, bool traced)
{
    if (traced || mp_host.deep)
        claim(thread);
    else
        lend(thread);
}

void mp_host_reclaim(PyThreadState *thread)
{
    if (mp_host.open)
        hand_back(thread, runs_traced(thread->cframe->current_frame));
}

/* --- events --- */

static void begin(struct mp_thread *thread, const _PyInterpreterFrame *frame, int line)
{
    struct mp_tracer *tracer;
    struct mp_line_table *table;
    bool resumed = _PyInterpreterFrame_LASTI(frame) > frame->f_code->_co_firsttraceable;
    if (mp_tracer_choose(thread, frame->f_code, &tracer, &table))
        mp_activation_begin(thread, frame, tracer, table, line, resumed);
}

/* Returns whether the frame is one of ours. */
static bool observe(struct mp_thread *thread, PyFrameObject *object, int what)
{
    const _PyInterpreterFrame *frame = object->f_frame;
    if (what == PyTrace_CALL && is_traced(frame->f_code))
        begin(thread, frame, object->f_lineno);
    struct mp_activation *top = thread->depth ? mp_activation_find(thread, frame) : NULL;
    if (top && what == PyTrace_LINE)
        mp_activation_line(thread, top, object->f_lineno);
    else if (top && what == PyTrace_RETURN)
        mp_activation_end(thread);
    return top != NULL;
}

/* The program's trace function may replace itself meanwhile, or fail and be removed. */
static int forward(PyThreadState *thread, PyObject *self, PyFrameObject *frame, int what,
                   PyObject *arg)
{
    thread->c_tracefunc = mp_host.theirs;
    int failed = mp_host.theirs(self, frame, what, arg);
    if (thread->c_tracefunc != trace)
        mp_host.theirs = thread->c_tracefunc;
    thread->c_tracefunc = trace;
    return failed;
}

/* `self` is the program's object: its place beside the function is never ours. */
static int trace(PyObject *self, PyFrameObject *frame, int what, PyObject *arg)
{
    struct mp_thread *thread = mp_thread_self();
    if (what == PyTrace_CALL && mp_stack_is_out())
        return mp_host_refuse();
    bool ours = thread && observe(thread, frame, what);
    if (__builtin_expect(ours && !mp_host.theirs, 1))
        return 0;
    if (thread && !ours)
        thread->strayed++;
    PyThreadState *state = PyThreadState_Get();
    int failed = mp_host.theirs ? forward(state, self, frame, what, arg) : 0;
    if (!ours && !mp_host.deep && !runs_traced(frame->f_frame))
        state->c_tracefunc = mp_host.theirs; /* strayed into a frame that nobody traces */
    return failed;
}

/* --- the evaluation function --- */

/* Ends what a frame that has ended left open: its events were switched off on the way. */
static void sweep(const void *frame)
{
    struct mp_thread *thread = mp_thread_self();
    if (thread && thread->depth && mp_activation_find(thread, frame))
        mp_activation_end(thread);
}

static bool is_wanted(PyCodeObject *code)
{
    struct mp_thread *thread = mp_thread_self();
    struct mp_tracer *tracer;
    struct mp_line_table *table;
    return thread && mp_tracer_choose(thread, code, &tracer, &table);
}

PyObject *mp_host_run(PyThreadState *thread, _PyInterpreterFrame *frame, int throw)
{
    if (thread->tracing) /* a trace function's own calls */
        return mp_host_next(thread, frame, throw);
    bool caller_traced = runs_traced(thread->cframe->current_frame);
    bool traced = is_traced(frame->f_code) && is_wanted(frame->f_code);
    if (traced && !mp_host.open++)
        mp_greenlet_watch();
    hand_back(thread, traced);
    PyObject *result = mp_host_next(thread, frame, throw);
    if (traced)
        sweep(frame);
    if (traced && !--mp_host.open)
        mp_greenlet_unwatch();
    hand_back(thread, caller_traced && mp_host.open);
    return result;
}

PyObject *mp_host_evaluate(PyThreadState *thread, _PyInterpreterFrame *frame, int throw)
{
    if (mp_stack_is_low())
        return mp_host_run_deep(thread, frame, throw);
    if (__builtin_expect(!thread->cframe->use_tracing, 1) && !is_traced(frame->f_code))
        return mp_host_next(thread, frame, throw);
    return mp_host_run(thread, frame, throw);
}

int mp_trace_code(PyCodeObject *code)
{
    struct mp_code_notes *notes = mp_code_notes((PyObject *)code);
    if (!notes) {
        PyErr_NoMemory();
        return -1;
    }
    if (notes->traced)
        return 0;
    Py_INCREF(code);
    notes->traced = true;
    mp_host_install();
    return 0;
}

void mp_trace_forget(const void *code)
{
    struct mp_code_notes *notes = mp_code_notes_peek((PyObject *)code);
    if (!notes || !notes->traced)
        return;
    notes->traced = false;
    mp_host_remove();
    Py_DECREF((PyObject *)code);
}

int mp_trace_start(void)
{
    return 0;
}
