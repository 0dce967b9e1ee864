/* Line events on CPython 3.11, which has no sys.monitoring: a C trace function, switched on only
 * around frames whose code is traced.
 *
 *     call --> evaluate() --+-- not traced, not called from a traced frame: run it
 *                           +-- traced: claim(), run it   \  then claim() or lend(), as the
 *                           +-- not traced: lend(), run it /  caller's frame needs
 *
 * evaluate() is the interpreter's frame evaluation function (PEP 523) while any code is traced.
 * claim() and the trace function are trace_events.c's. Measured: 1.34 times for calls of
 * code that nobody traces, because the interpreter no longer runs them in one C frame; where
 * that would overflow the C stack, run_deep() lets it.
 */
#include "base/stack.h"
#include "capture/lines/activation.h"
#include "capture/lines/binding.h"
#include "capture/lines/block.h"
#include "capture/lines/frame.h"
#include "capture/lines/trace.h"
#include "capture/lines/trace_code.h"
#include "capture/lines/trace_events.h"
#include "capture/lines/trace_greenlet.h"
#include "capture/lines/trace_host.h"

/* Ends what a frame that has ended left open: its events were switched off on the way. */
static void sweep(const void *frame)
{
    struct mp_thread *thread = mp_thread_self();
    if (thread && thread->depth && mp_activation_find(thread, frame))
        mp_activation_end(thread);
}

/* Also the frame of a generator that goes on inside a block. */
static bool is_wanted(const _PyInterpreterFrame *frame)
{
    struct mp_thread *thread = mp_thread_self();
    struct mp_tracer *tracer;
    struct mp_line_table *table;
    if (thread && mp_tracer_choose(thread, frame->f_code, &tracer, &table))
        return true;
    const struct mp_block *block = mp_blocks;
    while (block && block->frame != frame)
        block = block->next;
    return thread && block;
}

static PyObject *run(PyThreadState *thread, _PyInterpreterFrame *frame, int throw)
{
    if (thread->tracing) /* a trace function's own calls */
        return mp_host_next(thread, frame, throw);
    bool caller_traced = mp_events_in_traced(thread->cframe->current_frame);
    bool traced = mp_events_traces(frame->f_code) && is_wanted(frame);
    if (traced && !mp_events.open++)
        mp_greenlet_watch();
    mp_events_hand_back(thread, traced);
    PyObject *result = mp_host_next(thread, frame, throw);
    if (traced)
        sweep(frame);
    if (traced && !--mp_events.open)
        mp_greenlet_unwatch();
    mp_events_hand_back(thread, caller_traced && mp_events.open);
    return result;
}

/* Runs a frame when the C stack is half used: the interpreter runs calls from here on in one C
   frame, as it does when nobody profiles, and all of them are traced. Other threads' calls that
   begin meanwhile are not. */
static PyObject *run_deep(PyThreadState *thread, _PyInterpreterFrame *frame, int throw)
{
    if (mp_stack_is_out(MP_STACK_HERE)) {
        mp_events_refuse();
        return NULL;
    }
    if (mp_events.deep || mp_host_next != _PyEval_EvalFrameDefault)
        return run(thread, frame, throw); /* not ours to switch off */
    mp_events.deep++;
    mp_events.open++;
    mp_host_suspend();
    PyObject *result = run(thread, frame, throw);
    mp_host_resume();
    mp_events.open--;
    mp_events.deep--;
    return result;
}

static __attribute__((noinline)) PyObject *
look_closer(PyThreadState *thread, _PyInterpreterFrame *frame, int throw)
{
    if (mp_events_selector && !throw &&!thread->tracing)
        mp_events_consider(frame);
    if (mp_stack_is_low(MP_STACK_HERE))
        return run_deep(thread, frame, throw);
    if (!thread->cframe->use_tracing && !mp_events_traces(frame->f_code))
        return mp_host_next(thread, frame, throw);
    return run(thread, frame, throw);
}

/* Every call of Python code comes through here: four loads and a jump. */
static PyObject *evaluate(PyThreadState *thread, _PyInterpreterFrame *frame, int throw)
{
    if (__builtin_expect(thread->cframe->use_tracing || frame->f_code->co_extra != NULL ||
                             mp_stack_may_be_low(MP_STACK_HERE) ||
                             mp_events_selector != NULL,
                         0))
        return look_closer(thread, frame, throw);
    return mp_host_next(thread, frame, throw);
}

int mp_trace_code(PyCodeObject *code)
{
    struct mp_code_notes *notes = mp_code_notes((PyObject *)code);
    Py_INCREF(code);
    mp_host_install(evaluate);
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

/* The frame was not run by run() as one of ours: the switch is turned here. */
void mp_trace_block_opened(void)
{
    if (!mp_events.open++)
        mp_greenlet_watch();
    mp_events_claim(PyThreadState_Get());
}

void mp_trace_block_closed(void)
{
    struct mp_thread *thread = mp_thread_self();
    PyThreadState *state = PyThreadState_Get();
    bool more = thread && mp_activation_find(thread, mp_frame_current());
    if (!--mp_events.open)
        mp_greenlet_unwatch();
    mp_events_hand_back(state, more);
}

int mp_trace_select(PyObject *wanted)
{
    if (wanted && !mp_events_selector)
        mp_host_install(evaluate);
    else if (!wanted && mp_events_selector)
        mp_host_remove();
    Py_XSETREF(mp_events_selector, Py_XNewRef(wanted));
    return 0;
}

int mp_trace_start(void)
{
    return 0;
}
