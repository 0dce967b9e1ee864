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
#include "capture/hooks_python.h"
#include "capture/trace.h"
#include "capture/trace_ask.h"
#include "capture/trace_code.h"
#include "capture/tracer.h"

static PyObject *selector; /* asked about code that runs for the first time; NULL: none */

__thread struct mp_host mp_host;

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

static void take_slot(PyThreadState *thread)
{
    if (thread->c_tracefunc == trace)
        return;
    mp_host.theirs = thread->c_tracefunc;
    thread->c_tracefunc = trace;
}

static void claim(PyThreadState *thread)
{
    take_slot(thread);
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

/* Shows code that runs for the first time to the selector. */
static void consider(const _PyInterpreterFrame *frame)
{
    PyObject *code = (PyObject *)frame->f_code;
    struct mp_code_notes *notes = mp_code_notes(code);
    if (!notes || notes->offered)
        return;
    notes->offered =
        mp_tracer_is_bound(code) || mp_trace_offer(selector, code, frame->f_globals);
}

static void begin(struct mp_thread *thread, const _PyInterpreterFrame *frame, int line)
{
    PyCodeObject *code = frame->f_code;
    struct mp_tracer *tracer;
    struct mp_line_table *table;
    bool resumed = _PyInterpreterFrame_LASTI(frame) > code->_co_firsttraceable;
    if (mp_tracer_choose(thread, code, &tracer, &table))
        mp_activation_begin(thread, frame, tracer, table,
                            resumed ? line : code->co_firstlineno, resumed);
}

/* What an event was: of a frame that is not ours, ours, one that a limit was called for (a
   debugger has stopped there already), one where it raised. */
enum verdict { FOREIGN, OURS, TOLD, RAISED };

/* The limit's call may set a trace function: a debugger that starts. */
static enum verdict check_limit(struct mp_tracer *tracer, int64_t bytes)
{
    PyThreadState *thread = PyThreadState_Get();
    thread->c_tracefunc = mp_host.theirs;
    int told = mp_trace_check_limit(tracer, bytes);
    take_slot(thread);
    return told < 0 ? RAISED : told ? TOLD : OURS;
}

static enum verdict end(struct mp_thread *thread, struct mp_activation *top)
{
    struct mp_tracer *tracer = top->tracer;
    if (__builtin_expect(tracer->limit.bytes <= 0, 1)) {
        mp_activation_end(thread);
        return OURS;
    }
    mp_tracer_keep(tracer);
    int64_t bytes = mp_tracer_read(tracer, thread);
    mp_activation_end(thread);
    enum verdict verdict = check_limit(tracer, bytes);
    mp_tracer_drop(tracer);
    return verdict;
}

static enum verdict line_reached(struct mp_thread *thread, struct mp_activation *top,
                                 int line)
{
    mp_activation_line(thread, top, line);
    if (__builtin_expect(top->tracer->limit.bytes > 0, 0))
        return check_limit(top->tracer, top->last);
    return OURS;
}

static enum verdict observe(struct mp_thread *thread, PyFrameObject *object, int what)
{
    const _PyInterpreterFrame *frame = object->f_frame;
    if (what == PyTrace_CALL && is_traced(frame->f_code))
        begin(thread, frame, object->f_lineno);
    struct mp_activation *top = thread->depth ? mp_activation_find(thread, frame) : NULL;
    if (!top)
        return FOREIGN;
    if (what == PyTrace_LINE)
        return line_reached(thread, top, object->f_lineno);
    return what == PyTrace_RETURN ? end(thread, top) : OURS;
}

/* The program's trace function may replace itself meanwhile, or fail and be removed. */
static int forward(PyThreadState *thread, PyFrameObject *frame, int what, PyObject *arg)
{
    thread->c_tracefunc = mp_host.theirs;
    int failed = mp_host.theirs(thread->c_traceobj, frame, what, arg);
    take_slot(thread);
    return failed;
}

/* An event of a frame that is not ours: of the deep part, or strayed. */
static void foreign(struct mp_thread *thread, PyThreadState *state,
                    const _PyInterpreterFrame *frame)
{
    if (thread)
        thread->strayed++;
    if (!mp_host.deep && !runs_traced(frame))
        state->c_tracefunc = mp_host.theirs;
}

/* What the interpreter makes to tell us, a frame object for each call and an array of line numbers
   once for each code object, is not the bytes of the line that runs. */
static void disown(PyFrameObject *frame)
{
    enum {
        COLLECTOR_HEAD = 2 * sizeof(uintptr_t)
    }; /* before each object that it follows */
    PyCodeObject *code = frame->f_frame->f_code;
    bool fresh = _PyInterpreterFrame_LASTI(frame->f_frame) <= code->_co_firsttraceable;
    mp_hooks_disown(code->_co_linearray);
    if (fresh && Py_REFCNT(frame) == 1)
        mp_hooks_disown((char *)frame - COLLECTOR_HEAD);
}

/* The object that comes with the function is the program's, before a debugger came in. */
static int trace(PyObject *object, PyFrameObject *frame, int what, PyObject *arg)
{
    (void)object;
    if (what == PyTrace_CALL && mp_stack_is_out(MP_STACK_HERE))
        return mp_host_refuse();
    if (__builtin_expect(mp_tracer_flows > 0, 0) && what == PyTrace_CALL)
        disown(frame);
    if (what == PyTrace_CALL && mp_host.deep && selector)
        consider(frame->f_frame);
    struct mp_thread *thread = mp_thread_self();
    enum verdict verdict = thread ? observe(thread, frame, what) : FOREIGN;
    if (verdict >= TOLD)
        return verdict == RAISED ? -1 : 0;
    if (__builtin_expect(verdict == OURS && !mp_host.theirs, 1))
        return 0;
    PyThreadState *state = PyThreadState_Get();
    if (mp_host.theirs && forward(state, frame, what, arg))
        return -1;
    if (verdict == FOREIGN)
        foreign(thread, state, frame->f_frame);
    return 0;
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

static __attribute__((noinline)) PyObject *
look_closer(PyThreadState *thread, _PyInterpreterFrame *frame, int throw)
{
    if (selector && !throw &&!thread->tracing)
        consider(frame);
    if (mp_stack_is_low(MP_STACK_HERE))
        return mp_host_run_deep(thread, frame, throw);
    if (!thread->cframe->use_tracing && !is_traced(frame->f_code))
        return mp_host_next(thread, frame, throw);
    return mp_host_run(thread, frame, throw);
}

/* Every call of Python code comes through here: four loads and a jump. */
PyObject *mp_host_evaluate(PyThreadState *thread, _PyInterpreterFrame *frame, int throw)
{
    if (__builtin_expect(thread->cframe->use_tracing || frame->f_code->co_extra != NULL ||
                             mp_stack_may_be_low(MP_STACK_HERE) || selector != NULL,
                         0))
        return look_closer(thread, frame, throw);
    return mp_host_next(thread, frame, throw);
}

int mp_trace_code(PyCodeObject *code)
{
    struct mp_code_notes *notes = mp_code_notes((PyObject *)code);
    Py_INCREF(code);
    mp_host_install();
    if (!notes) {
        PyErr_NoMemory();
        return -1;
    }
    notes->traced = true;
    return 0;
}

void mp_trace_forget(const void *code)
{
    struct mp_code_notes *notes = mp_code_notes_peek((PyObject *)code);
    if (notes)
        notes->traced = false;
    mp_host_remove();
    Py_DECREF((PyObject *)code);
}

int mp_trace_select(PyObject *wanted)
{
    if (wanted && !selector)
        mp_host_install();
    else if (!wanted && selector)
        mp_host_remove();
    Py_XSETREF(selector, Py_XNewRef(wanted));
    return 0;
}

int mp_trace_start(void)
{
    return 0;
}
