/* memory_profiler._core.Tracer: one profiler's line tables. */
#include "python/module.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "capture/hooks_python.h"
#include "capture/trace.h"
#include "capture/trace_compat.h"
#include "capture/tracer.h"
#include "capture/tree.h"

/* A source that is not RSS alone: a metric of smaps_rollup, the children too, or a callable. */
struct other_source {
    struct mp_meter meter;
    bool children;
    struct mp_tree tree;
    int64_t bytes;    /* last reading */
    uint64_t read_at; /* its ticks */
    PyObject *call;   /* owned; returns bytes; NULL: the meter */
};

struct tracer_object {
    PyObject_HEAD struct mp_tracer *tracer; /* owned: a reference */
};

/* Processes are listed at most every 100 us: a listing costs as much. */
static int64_t read_with_children(struct other_source *source)
{
    if (source->bytes > 0 &&
        mp_clock_ticks() - source->read_at < 100 * mp_clock_ticks_per_us())
        return source->bytes;
    int64_t own = mp_meter_read(&source->meter);
    if (own < 0)
        return -1;
    source->bytes = own + mp_tree_memory(&source->tree, getpid(), source->meter.metric);
    source->read_at = mp_clock_ticks();
    return source->bytes;
}

/* Calls into Python from an event: an exception that is on its way stays on its way. */
static int64_t read_callable(PyObject *call)
{
    bool aside = mp_hooks_set_aside(true);
    PyObject *raised = PyErr_GetRaisedException();
    PyObject *result = PyObject_CallNoArgs(call);
    int64_t bytes = result ? PyLong_AsLongLong(result) : -1;
    Py_XDECREF(result);
    if (PyErr_Occurred())
        PyErr_Clear();
    PyErr_SetRaisedException(raised);
    mp_hooks_set_aside(aside);
    return bytes;
}

static int64_t read_other(void *self)
{
    struct other_source *source = self;
    if (source->call)
        return read_callable(source->call);
    return source->children ? read_with_children(source) : mp_meter_read(&source->meter);
}

static void release_extras(struct mp_tracer *tracer)
{
    struct other_source *source = tracer->source.self;
    Py_XDECREF((PyObject *)tracer->limit.call);
    if (tracer->flow)
        mp_flow_drop();
    if (!source)
        return;
    mp_meter_release(&source->meter);
    mp_tree_release(&source->tree);
    Py_XDECREF(source->call);
    free(source);
}

static int use_source(struct mp_tracer *tracer, const char *name, int children,
                      PyObject *call)
{
    enum mp_metric metric;
    if (mp_metric_from(name, &metric))
        return -1;
    if (metric == MP_RSS && !children && call == Py_None) {
        struct mp_meter *meter = mp_tracer_meter();
        if (meter->fd >= 0 || mp_meter_read(meter) >= 0)
            return 0;
        PyErr_SetFromErrnoWithFilename(PyExc_OSError, "/proc/self/statm");
        return -1;
    }
    struct other_source *source = calloc(1, sizeof *source);
    if (!source || (call == Py_None && mp_meter_open(&source->meter, 0, metric))) {
        free(source);
        PyErr_SetFromErrnoWithFilename(PyExc_OSError, metric == MP_RSS
                                                          ? "/proc/self/statm"
                                                          : "/proc/self/smaps_rollup");
        return -1;
    }
    if (call != Py_None)
        source->meter.fd = -1;
    source->children = children;
    source->call = call == Py_None ? NULL : Py_NewRef(call);
    tracer->source = (struct mp_source){.read = read_other, .self = source};
    return 0;
}

static int use_more(struct mp_tracer *tracer, int peaks, int heap)
{
    tracer->peaks = tracer->more = peaks && !tracer->source.read;
    if (!heap)
        return 0;
    if (mp_flow_want()) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    mp_tracer_use_flow(tracer, mp_hooks_flow);
    return 0;
}

static PyObject *tracer_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"metric", "children", "call", "peaks", "heap", NULL};
    const char *metric = "rss";
    int children = 0, peaks = 0, heap = 0;
    PyObject *call = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|spOpp", names, &metric, &children,
                                     &call, &peaks, &heap))
        return NULL;
    struct tracer_object *self = (struct tracer_object *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    self->tracer = mp_tracer_new();
    if (!self->tracer) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    self->tracer->on_release = release_extras;
    if (use_source(self->tracer, metric, children, call) ||
        use_more(self->tracer, peaks, heap))
        Py_CLEAR(self);
    return (PyObject *)self;
}

static void tracer_dealloc(struct tracer_object *self)
{
    PyTypeObject *type = Py_TYPE(self);
    if (self->tracer) {
        mp_tracer_unbind(self->tracer, mp_trace_forget);
        mp_tracer_drop(self->tracer);
    }
    type->tp_free(self);
    Py_DECREF(type);
}

/* Traces a code object and, into the same table, the code nested in it. */
static int bind_all(struct mp_tracer *tracer, PyCodeObject *code,
                    struct mp_line_table *table, bool always)
{
    bool known = mp_tracer_is_bound(code);
    if (mp_tracer_bind(tracer, code, table, always)) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    if (!known && mp_trace_code(code))
        return -1;
    PyObject *constants = code->co_consts;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(constants); i++) {
        PyObject *inner = PyTuple_GET_ITEM(constants, i);
        if (PyCode_Check(inner) && bind_all(tracer, (PyCodeObject *)inner, table, always))
            return -1;
    }
    return 0;
}

static PyObject *tracer_add(struct tracer_object *self, PyObject *args)
{
    int first, last, always = 0;
    PyCodeObject *code;
    if (!PyArg_ParseTuple(args, "O!|p", &PyCode_Type, &code, &always))
        return NULL;
    if (mp_tracer_table(self->tracer, code))
        Py_RETURN_FALSE;
    if (mp_trace_start() || mp_trace_span(code, &first, &last))
        return NULL;
    struct mp_line_table *table =
        mp_tracer_add(self->tracer, code, first, last, code->co_firstlineno);
    if (!table)
        return PyErr_Format(PyExc_MemoryError, "no room for lines %d to %d of %R", first,
                            last, code->co_filename);
    return bind_all(self->tracer, code, table, always) ? NULL : Py_NewRef(Py_True);
}

static PyObject *tracer_enter(struct tracer_object *self, PyObject *ignored)
{
    (void)ignored;
    return mp_tracer_enter(self->tracer) ? PyErr_NoMemory() : Py_NewRef(Py_None);
}

static PyObject *tracer_leave(struct tracer_object *self, PyObject *ignored)
{
    (void)ignored;
    mp_tracer_leave(self->tracer);
    Py_RETURN_NONE;
}

static PyObject *tracer_limit(struct tracer_object *self, PyObject *args)
{
    long long bytes;
    PyObject *call;
    if (!PyArg_ParseTuple(args, "LO", &bytes, &call))
        return NULL;
    PyObject *old = self->tracer->limit.call;
    self->tracer->limit = (struct mp_limit){.bytes = bytes, .call = Py_NewRef(call)};
    Py_XDECREF(old);
    Py_RETURN_NONE;
}

/* {line: (memory, increment, occurrences, peak, allocated, freed, heap_peak)} of the lines that
   completed. */
static PyObject *cells_of(const struct mp_line_table *table)
{
    PyObject *cells = PyDict_New();
    for (int i = 0; cells && i < table->count; i++) {
        const struct mp_line *row = &table->rows[i];
        if (!row->occurrences)
            continue;
        PyObject *line = PyLong_FromLong(table->first + i);
        PyObject *cell =
            Py_BuildValue("LLKLKKL", (long long)row->memory, (long long)row->increment,
                          (unsigned long long)row->occurrences, (long long)row->peak,
                          (unsigned long long)row->allocated,
                          (unsigned long long)row->freed, (long long)row->heap_peak);
        int failed = !line || !cell || PyDict_SetItem(cells, line, cell);
        Py_XDECREF(line);
        Py_XDECREF(cell);
        if (failed)
            Py_CLEAR(cells);
    }
    return cells;
}

static PyObject *tracer_tables(struct tracer_object *self, PyObject *ignored)
{
    (void)ignored;
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && i < self->tracer->count; i++) {
        const struct mp_traced *traced = &self->tracer->traced[i];
        PyObject *item =
            Py_BuildValue("OLN", traced->code, (long long)traced->table->baseline,
                          cells_of(traced->table));
        int failed = !item || PyList_Append(list, item);
        Py_XDECREF(item);
        if (failed)
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *tracer_entered(struct tracer_object *self, void *ignored)
{
    (void)ignored;
    return PyLong_FromUnsignedLong(self->tracer->entered);
}

static PyObject *tracer_failed(struct tracer_object *self, void *ignored)
{
    (void)ignored;
    return PyLong_FromUnsignedLongLong(self->tracer->failed);
}

static PyMethodDef methods[] = {
    {"add", (PyCFunction)tracer_add, METH_VARARGS,
     "add(code, always=False) -> True when the code object is new. Traces it and the code\n"
     "nested in it; always: also while nobody entered the tracer."},
    {"enter", (PyCFunction)tracer_enter, METH_NOARGS, "Count from here on; nests."},
    {"leave", (PyCFunction)tracer_leave, METH_NOARGS, "Undo one enter() of this thread."},
    {"limit", (PyCFunction)tracer_limit, METH_VARARGS,
     "limit(bytes, call): call(reading) each time memory rises to `bytes` at the end of a\n"
     "traced line; what it raises goes into the program."},
    {"tables", (PyCFunction)tracer_tables, METH_NOARGS,
     "tables() -> [(code, baseline, {line: (memory, increment, occurrences, peak, allocated,\n"
     "freed, heap_peak)}), ...],\n"
     "bytes, in the order of add(). baseline is the first entry's reading, -1 if never\n"
     "entered; the increment of the entry line does not include it."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef getters[] = {
    {"entered", (getter)tracer_entered, NULL, "enters minus leaves, over all threads",
     NULL},
    {"failed", (getter)tracer_failed, NULL, "readings that failed and were not charged",
     NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, tracer_new},
    {Py_tp_dealloc, tracer_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_getset, getters},
    {Py_tp_doc,
     "Tracer(metric='rss', children=False, call=None, peaks=False, heap=False): line tables\n"
     "of one profiler. peaks (of RSS alone): the high-water mark of each line. heap: bytes of\n"
     "Python's allocators.\n"
     "call() -> bytes replaces the meter when given."},
    {0, NULL},
};

PyType_Spec mp_tracer_spec = {
    .name = "memory_profiler._core.Tracer",
    .basicsize = sizeof(struct tracer_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
