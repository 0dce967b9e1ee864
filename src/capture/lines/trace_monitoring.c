/* Line events from sys.monitoring, local to the traced code objects.
 *
 *   PY_START, PY_RESUME, PY_THROW    an activation begins
 *   LINE, JUMP (backward, same line) the line before is complete, as sys.settrace counts
 *   PY_RETURN, PY_YIELD, PY_UNWIND   the activation ends
 *
 * Before 3.15, PY_THROW and PY_UNWIND exist only for all code at once (25 ns for each frame that
 * an exception leaves); the interpreter is asked. Measured: 19 ns an event that only counts, 12
 * more when the line number is above 256, because the interpreter boxes it.
 */
#include "capture/lines/trace.h"

#include <stdbool.h>

#include "capture/heap/python/lines.h"
#include "capture/lines/activation.h"
#include "capture/lines/binding.h"
#include "capture/lines/block.h"
#include "capture/lines/frame.h"
#include "capture/lines/trace_ask.h"
#include "capture/lines/trace_code.h"

enum { TOOL_FIRST = 4, TOOL_LAST = 3 }; /* 0, 1, 2 and 5 have owners by convention */

static int tool = -1;
static PyObject *disable;                             /* sys.monitoring.DISABLE */
static long local_events, global_events, start_event; /* sets of sys.monitoring.events */
static PyObject *selector; /* asked about code that runs for the first time; NULL: none */

/* --- callbacks: (code, ...) under the interpreter's lock --- */

static PyObject *none_unless(bool failed)
{
    return failed ? NULL : Py_NewRef(Py_None);
}

/* The interpreter boxes an event's numbers above 256: they are not the bytes of the line that
   runs. 3.14 takes them from a free list. At the head of each callback, also of events that are
   not ours. */
static inline void disown(PyObject *number)
{
    if (__builtin_expect(mp_tracer_flows > 0, 0) && Py_REFCNT(number) == 1 &&
        PY_VERSION_HEX < 0x030E0000)
        mp_hooks_disown(number);
}

static PyObject *line_reached(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    (void)module, (void)count;
    disown(args[1]);
    struct mp_thread *thread = mp_thread_self();
    if (!thread || !thread->depth)
        Py_RETURN_NONE;
    const void *frame = mp_frame_current();
    struct mp_activation *top = &thread->stack[thread->depth - 1];
    if (__builtin_expect(top->frame != frame, 0))
        top = mp_activation_find(thread, frame);
    if (!top)
        Py_RETURN_NONE;
    mp_activation_line(thread, top, (int)PyLong_AsLong(args[1]));
    if (__builtin_expect(top->tracer->limit.bytes > 0, 0))
        return none_unless(mp_trace_check_limit(top->tracer, top->last) < 0);
    Py_RETURN_NONE;
}

/* A backward jump within one line runs that line again. The answer for a place never changes,
   so other jumps are switched off where they are. */
static bool is_one_line_loop(PyObject *code, long from, long to)
{
    struct mp_code_notes *notes = to <= from ? mp_code_notes(code) : NULL;
    size_t unit = (size_t)from / 2;
    if (!notes || unit >= notes->units)
        return false;
    if (!notes->one_line_loop[unit]) {
        PyCodeObject *object = (PyCodeObject *)code;
        notes->one_line_loop[unit] =
            PyCode_Addr2Line(object, (int)from) == PyCode_Addr2Line(object, (int)to) ? 1
                                                                                     : 2;
    }
    return notes->one_line_loop[unit] == 1;
}

static PyObject *jumped(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    (void)module, (void)count;
    disown(args[1]);
    disown(args[2]);
    if (!is_one_line_loop(args[0], PyLong_AsLong(args[1]), PyLong_AsLong(args[2])))
        return Py_NewRef(disable);
    struct mp_thread *thread = mp_thread_self();
    struct mp_activation *top =
        thread && thread->depth ? mp_activation_find(thread, mp_frame_current()) : NULL;
    if (top)
        mp_activation_line(thread, top, top->line);
    Py_RETURN_NONE;
}

static bool begin(PyObject *code, int line)
{
    struct mp_thread *thread = mp_thread_self();
    struct mp_tracer *tracer;
    struct mp_line_table *table;
    if (!thread || !mp_tracer_choose(thread, code, &tracer, &table))
        return false;
    mp_activation_begin(thread, mp_frame_current(), tracer, table, line, false);
    return true;
}

static PyObject *started(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    (void)module, (void)count;
    disown(args[1]);
    int line = mp_trace_entry((PyCodeObject *)args[0]);
    if (begin(args[0], line) || !selector)
        Py_RETURN_NONE;
    if (!mp_tracer_is_bound(args[0]) &&
        !mp_trace_offer(selector, args[0], PyEval_GetGlobals()))
        Py_RETURN_NONE;
    if (begin(args[0], line) || mp_tracer_is_bound(args[0]))
        Py_RETURN_NONE;
    return Py_NewRef(disable); /* not ours: never asked again */
}

/* The line that an instruction is on, where generators are resumed: mostly the same one. */
static int resume_line(PyObject *code, int offset)
{
    struct mp_code_notes *notes = mp_code_notes(code);
    if (!notes)
        return PyCode_Addr2Line((PyCodeObject *)code, offset);
    if (notes->resume_offset != offset) {
        notes->resume_offset = offset;
        notes->resume_line = PyCode_Addr2Line((PyCodeObject *)code, offset);
    }
    return notes->resume_line;
}

/* A generator goes on: with the line it yielded from. */
static PyObject *resumed(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    (void)module, (void)count;
    disown(args[1]);
    struct mp_thread *thread = mp_thread_self();
    struct mp_tracer *tracer;
    struct mp_line_table *table;
    bool chosen = thread && mp_tracer_choose(thread, args[0], &tracer, &table);
    if (!thread || (!chosen && !mp_blocks))
        Py_RETURN_NONE;
    int line = resume_line(args[0], (int)PyLong_AsLong(args[1]));
    const void *frame = mp_frame_current();
    if (chosen)
        mp_activation_begin(thread, frame, tracer, table, line, true);
    if (__builtin_expect(mp_blocks != NULL, 0))
        mp_block_resume(thread, frame, line);
    Py_RETURN_NONE;
}

static PyObject *ended(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    (void)module, (void)count;
    disown(args[1]);
    struct mp_thread *thread = mp_thread_self();
    if (!thread || !thread->depth || !mp_activation_find(thread, mp_frame_current()))
        Py_RETURN_NONE;
    struct mp_tracer *tracer = thread->stack[thread->depth - 1].tracer;
    if (__builtin_expect(tracer->limit.bytes <= 0, 1)) {
        mp_activation_end(thread);
        Py_RETURN_NONE;
    }
    mp_tracer_keep(tracer);
    int64_t bytes = mp_tracer_read(tracer, &thread->gate);
    mp_activation_end(thread);
    bool failed = mp_trace_check_limit(tracer, bytes) < 0;
    mp_tracer_drop(tracer);
    return none_unless(failed);
}

/* --- starting --- */

static PyMethodDef callbacks[] = {
    {"line_reached", (PyCFunction)line_reached, METH_FASTCALL, NULL},
    {"jumped", (PyCFunction)jumped, METH_FASTCALL, NULL},
    {"started", (PyCFunction)started, METH_FASTCALL, NULL},
    {"resumed", (PyCFunction)resumed, METH_FASTCALL, NULL},
    {"ended", (PyCFunction)ended, METH_FASTCALL, NULL},
};

enum { START_CALLBACK = 2 };

static const struct {
    const char *event;
    int callback;
    bool wide; /* of all code where it cannot be had of one code object */
} wanted[] = {
    {"LINE", 0, false},      {"JUMP", 1, false},      {"PY_START", START_CALLBACK, false},
    {"PY_RESUME", 3, false}, {"PY_RETURN", 4, false}, {"PY_YIELD", 4, false},
    {"PY_THROW", 3, true},   {"PY_UNWIND", 4, true},
};

/* The first free tool id; -1 with a Python exception that names who holds them. */
static int take_tool(PyObject *monitoring)
{
    for (int id = TOOL_FIRST; id >= TOOL_LAST; id--) {
        PyObject *done =
            PyObject_CallMethod(monitoring, "use_tool_id", "is", id, "memory_profiler");
        Py_XDECREF(done);
        if (done)
            return id;
        if (!PyErr_ExceptionMatches(PyExc_ValueError))
            return -1;
        PyErr_Clear();
    }
    PyObject *name = PyObject_CallMethod(monitoring, "get_tool", "i", TOOL_FIRST);
    if (name)
        PyErr_Format(PyExc_RuntimeError,
                     "sys.monitoring tool ids %d and %d are taken (by %R), lines are not "
                     "profiled; stop the other tool first",
                     TOOL_LAST, TOOL_FIRST, name);
    Py_XDECREF(name);
    return -1;
}

static int register_event(PyObject *monitoring, PyObject *events, size_t which)
{
    PyObject *number = PyObject_GetAttrString(events, wanted[which].event);
    PyObject *callback = PyCFunction_New(&callbacks[wanted[which].callback], NULL);
    PyObject *done = NULL;
    if (number && callback)
        done = PyObject_CallMethod(monitoring, "register_callback", "iOO", tool, number,
                                   callback);
    if (done)
        *(wanted[which].wide ? &global_events : &local_events) |= PyLong_AsLong(number);
    if (done && wanted[which].callback == START_CALLBACK)
        start_event = PyLong_AsLong(number);
    Py_XDECREF(number);
    Py_XDECREF(callback);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

static int register_events(PyObject *monitoring)
{
    PyObject *events = PyObject_GetAttrString(monitoring, "events");
    int failed = events ? 0 : -1;
    for (size_t i = 0; !failed && i < sizeof wanted / sizeof *wanted; i++)
        failed = register_event(monitoring, events, i);
    Py_XDECREF(events);
    return failed;
}

static PyObject *find_monitoring(void)
{
    return Py_XNewRef(
        PySys_GetObject("monitoring")); /* borrowed; no error set when missing */
}

static int set_global_events(long events)
{
    PyObject *monitoring = find_monitoring();
    PyObject *done = monitoring
                         ? PyObject_CallMethod(monitoring, "set_events", "il", tool, events)
                         : NULL;
    Py_XDECREF(monitoring);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

int mp_trace_select(PyObject *wanted_selector)
{
    if (mp_trace_start())
        return -1;
    Py_XSETREF(selector, Py_XNewRef(wanted_selector));
    return set_global_events(global_events | (selector ? start_event : 0));
}

static int set_events_of(PyObject *code, long events)
{
    PyObject *monitoring = find_monitoring();
    PyObject *done = monitoring ? PyObject_CallMethod(monitoring, "set_local_events", "iOl",
                                                      tool, code, events)
                                : NULL;
    Py_XDECREF(monitoring);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

/* Makes the wide events local when a code object that never runs may have them. */
static int narrow_events(void)
{
    PyObject *probe = (PyObject *)PyCode_NewEmpty("memory_profiler", "probe", 1);
    if (!probe)
        return -1;
    if (!set_events_of(probe, global_events)) {
        local_events |= global_events;
        global_events = 0;
        set_events_of(probe, 0);
    }
    Py_DECREF(probe);
    if (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_ValueError))
        return -1;
    PyErr_Clear();
    return 0;
}

int mp_trace_start(void)
{
    if (tool >= 0)
        return 0;
    PyObject *monitoring = find_monitoring();
    if (!monitoring) {
        PyErr_SetString(PyExc_RuntimeError, "this interpreter has no sys.monitoring");
        return -1;
    }
    disable = PyObject_GetAttrString(monitoring, "DISABLE");
    int id = disable ? take_tool(monitoring) : -1;
    tool = id;
    int failed = id < 0 || register_events(monitoring) || narrow_events() ||
                 set_global_events(global_events);
    if (failed)
        tool = -1;
    Py_DECREF(monitoring);
    return failed ? -1 : 0;
}

int mp_trace_code(PyCodeObject *code)
{
    Py_INCREF(code);
    if (mp_trace_start() || set_events_of((PyObject *)code, local_events))
        return -1;
    mp_code_notes((PyObject *)code);
    return 0;
}

void mp_trace_block_opened(void)
{ /* events are of the code, and on already */
}

void mp_trace_block_closed(void) {}

void mp_trace_forget(const void *code)
{
    PyObject *object = (PyObject *)code;
    PyObject *raised = PyErr_GetRaisedException();
    if (set_events_of(object, 0))
        PyErr_Clear(); /* the tool id was taken from us: nothing is left to undo */
    PyErr_SetRaisedException(raised);
    Py_DECREF(object);
}
