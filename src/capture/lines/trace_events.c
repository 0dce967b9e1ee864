#include "capture/lines/trace_events.h"

#include "base/stack.h"
#include "capture/heap/python/lines.h"
#include "capture/lines/activation.h"
#include "capture/lines/binding.h"
#include "capture/lines/block.h"
#include "capture/lines/trace_ask.h"
#include "capture/lines/trace_code.h"

PyObject *mp_events_selector;

__thread struct mp_events mp_events;

bool mp_events_in_traced(const _PyInterpreterFrame *frame)
{
    for (; frame; frame = frame->previous) {
        if (mp_events_traces(frame->f_code))
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
    mp_events.theirs = thread->c_tracefunc;
    thread->c_tracefunc = trace;
}

void mp_events_claim(PyThreadState *thread)
{
    take_slot(thread);
    thread->cframe->use_tracing = thread->tracing ? 0 : 255;
}

static void lend(PyThreadState *thread)
{
    if (thread->c_tracefunc == trace)
        thread->c_tracefunc = mp_events.theirs;
    bool wanted = thread->c_profilefunc || thread->c_tracefunc;
    thread->cframe->use_tracing = wanted && !thread->tracing ? 255 : 0;
}

void mp_events_hand_back(PyThreadState *thread, bool traced)
{
    if (traced || mp_events.deep)
        mp_events_claim(thread);
    else
        lend(thread);
}

void mp_events_reclaim(PyThreadState *thread)
{
    if (mp_events.open)
        mp_events_hand_back(thread, mp_events_in_traced(thread->cframe->current_frame));
}

/* --- events --- */

int mp_events_refuse(void)
{
    PyErr_SetString(PyExc_RecursionError,
                    "maximum recursion depth exceeded: the C stack is used up");
    return -1;
}

void mp_events_consider(const _PyInterpreterFrame *frame)
{
    PyObject *code = (PyObject *)frame->f_code;
    struct mp_code_notes *notes = mp_code_notes(code);
    if (!notes || notes->offered)
        return;
    notes->offered = mp_tracer_is_bound(code) ||
                     mp_trace_offer(mp_events_selector, code, frame->f_globals);
}

static void begin(struct mp_thread *thread, const _PyInterpreterFrame *frame, int line)
{
    PyCodeObject *code = frame->f_code;
    struct mp_tracer *tracer;
    struct mp_line_table *table;
    bool resumed = _PyInterpreterFrame_LASTI(frame) > code->_co_firsttraceable;
    if (mp_tracer_choose(thread, code, &tracer, &table))
        mp_activation_begin(thread, frame, tracer, table,
                            resumed ? line : mp_trace_entry(code), resumed);
    if (__builtin_expect(mp_blocks != NULL, 0) && resumed)
        mp_block_resume(thread, frame, line);
}

/* What an event was: of a frame that is not ours, ours, one that a limit was called for (a
   debugger has stopped there already), one where it raised. */
enum verdict { FOREIGN, OURS, REPORTED, RAISED };

/* The limit's call may set a trace function: a debugger that starts. */
static enum verdict check_limit(struct mp_tracer *tracer, int64_t bytes)
{
    PyThreadState *thread = PyThreadState_Get();
    thread->c_tracefunc = mp_events.theirs;
    int reported = mp_trace_check_limit(tracer, bytes);
    take_slot(thread);
    return reported < 0 ? RAISED : reported ? REPORTED : OURS;
}

static enum verdict end(struct mp_thread *thread, struct mp_activation *top)
{
    struct mp_tracer *tracer = top->tracer;
    if (__builtin_expect(tracer->limit.bytes <= 0, 1)) {
        mp_activation_end(thread);
        return OURS;
    }
    mp_tracer_keep(tracer);
    int64_t bytes = mp_tracer_read(tracer, &thread->gate);
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
    if (what == PyTrace_CALL && mp_events_traces(frame->f_code))
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
    thread->c_tracefunc = mp_events.theirs;
    int failed = mp_events.theirs(thread->c_traceobj, frame, what, arg);
    take_slot(thread);
    return failed;
}

/* An event of a frame that is not ours: of the deep part, or strayed. */
static void foreign(struct mp_thread *thread, PyThreadState *state,
                    const _PyInterpreterFrame *frame)
{
    if (thread)
        thread->strayed++;
    if (!mp_events.deep && !mp_events_in_traced(frame))
        state->c_tracefunc = mp_events.theirs;
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
        return mp_events_refuse();
    if (__builtin_expect(mp_tracer_flows > 0, 0) && what == PyTrace_CALL)
        disown(frame);
    if (what == PyTrace_CALL && mp_events.deep && mp_events_selector)
        mp_events_consider(frame->f_frame);
    struct mp_thread *thread = mp_thread_self();
    enum verdict verdict = thread ? observe(thread, frame, what) : FOREIGN;
    if (verdict >= REPORTED)
        return verdict == RAISED ? -1 : 0;
    if (__builtin_expect(verdict == OURS && !mp_events.theirs, 1))
        return 0;
    PyThreadState *state = PyThreadState_Get();
    if (mp_events.theirs && forward(state, frame, what, arg))
        return -1;
    if (verdict == FOREIGN)
        foreign(thread, state, frame->f_frame);
    return 0;
}
