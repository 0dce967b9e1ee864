/* memory_profiler._core.Tracer: one profiler's line tables. */
#include "python/door.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "capture/heap/python/lines.h"
#include "capture/lines/binding.h"
#include "capture/lines/trace.h"
#include "capture/lines/trace_code.h"
#include "capture/lines/trace_compat.h"
#include "capture/lines/trace_levels.h"
#include "capture/process/tree.h"
#include "python/line_types.h"
#include "python/values.h"

/* The analyzer loses sight of what an object owns when the object is dropped. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

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
    PyObject *codes; /* owned: bound code, which lives as long as its binding */
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
    mp_levels_give(MP_LEVELS_OWN);
    PyObject *result = PyObject_CallNoArgs(call);
    mp_levels_give(-MP_LEVELS_OWN);
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
        mp_flow_release();
    if (tracer->types) {
        mp_line_types_release(tracer);
        mp_flow_release();
    }
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
    if (!source) {
        PyErr_NoMemory();
        return -1;
    }
    if (call == Py_None && mp_meter_open(&source->meter, 0, metric)) {
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

static int use_heap(struct mp_tracer *tracer)
{
    if (mp_flow_acquire()) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    mp_tracer_use_flow(tracer, mp_hooks_flow);
    return 0;
}

static int use_types(struct mp_tracer *tracer)
{
    if (mp_flow_acquire()) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    if (!mp_line_types_want(tracer))
        return 0;
    mp_flow_release();
    PyErr_NoMemory();
    return -1;
}

static int use_more(struct mp_tracer *tracer, int peaks, int heap, int types)
{
    tracer->peaks = tracer->more = peaks && !tracer->source.read;
    return (heap && use_heap(tracer)) || (types && use_types(tracer)) ? -1 : 0;
}

static PyObject *tracer_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"metric", "children", "call", "peaks", "heap", "types", NULL};
    const char *metric = "rss";
    int children = 0, peaks = 0, heap = 0, types = 0;
    PyObject *call = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|spOppp", names, &metric, &children,
                                     &call, &peaks, &heap, &types))
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
    self->codes = PyList_New(0);
    if (!self->codes || use_source(self->tracer, metric, children, call) ||
        use_more(self->tracer, peaks, heap, types))
        Py_CLEAR(self);
    return (PyObject *)self;
}

static void tracer_dealloc(struct tracer_object *self)
{
    if (self->tracer) {
        mp_tracer_unbind(self->tracer, mp_trace_forget);
        mp_tracer_drop(self->tracer);
    }
    Py_XDECREF(self->codes);
    mp_object_free(self);
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

struct mp_tracer *mp_tracer_in(PyObject *object)
{
    bool tracer = Py_TYPE(object)->tp_dealloc == (destructor)tracer_dealloc;
    return tracer ? ((struct tracer_object *)object)->tracer : NULL;
}

/* A table for the lines of a code object, the entry row at `entry`. NULL with an exception. */
static struct mp_line_table *make_table(struct mp_tracer *tracer, PyCodeObject *code,
                                        int entry)
{
    int first, last;
    if (mp_trace_start() || mp_trace_span(code, &first, &last))
        return NULL;
    struct mp_line_table *table = mp_tracer_add(tracer, code, first, last, entry);
    if (!table)
        PyErr_Format(PyExc_MemoryError, "no room for lines %d to %d of %R", first, last,
                     code->co_filename);
    return table;
}

static PyObject *tracer_add_block(struct tracer_object *self, PyObject *args)
{
    int line;
    PyCodeObject *code;
    if (!PyArg_ParseTuple(args, "O!i", &PyCode_Type, &code, &line))
        return NULL;
    if (PyList_Append(self->codes, (PyObject *)code))
        return NULL;
    struct mp_line_table *table = make_table(self->tracer, code, line);
    if (!table)
        return NULL;
    bool known = mp_tracer_is_bound(code);
    if (mp_tracer_bind_block(self->tracer, code, table))
        return PyErr_NoMemory();
    return !known && mp_trace_code(code) ? NULL : Py_NewRef(Py_None);
}

static PyObject *tracer_add(struct tracer_object *self, PyObject *args)
{
    int always = 0;
    PyCodeObject *code;
    if (!PyArg_ParseTuple(args, "O!|p", &PyCode_Type, &code, &always))
        return NULL;
    if (mp_tracer_table(self->tracer, code))
        Py_RETURN_FALSE;
    if (PyList_Append(self->codes, (PyObject *)code))
        return NULL;
    struct mp_line_table *table = make_table(self->tracer, code, mp_trace_entry(code));
    if (!table)
        return NULL;
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
        if (mp_list_take(list, Py_BuildValue("OLN", traced->code,
                                             (long long)traced->table->baseline,
                                             cells_of(traced->table))))
            Py_CLEAR(list);
    }
    return list;
}

/* {line: (type, objects, bytes)} of the lines where something grew. */
static PyObject *grown_of(const struct mp_tracer *tracer, size_t number)
{
    const struct mp_line_table *table = tracer->traced[number].table;
    PyObject *lines = PyDict_New();
    for (int i = 0; lines && i < table->count; i++) {
        PyObject *line = PyLong_FromLong(table->first + i);
        PyObject *grew = mp_line_types_of(tracer, number, i);
        int failed =
            !line || !grew || (grew != Py_None && PyDict_SetItem(lines, line, grew));
        Py_XDECREF(line);
        Py_XDECREF(grew);
        if (failed)
            Py_CLEAR(lines);
    }
    return lines;
}

static PyObject *tracer_grown(struct tracer_object *self, PyObject *ignored)
{
    struct mp_tracer *tracer = self->tracer;
    PyObject *tables = PyDict_New();
    (void)ignored;
    mp_line_types_take(tracer);
    for (size_t i = 0; tables && i < tracer->count; i++) {
        PyObject *lines = grown_of(tracer, i);
        if (!lines || PyDict_SetItem(tables, (PyObject *)tracer->traced[i].code, lines))
            Py_CLEAR(tables);
        Py_XDECREF(lines);
    }
    return tables;
}

static PyObject *tracer_room(struct tracer_object *self, PyObject *args)
{
    Py_ssize_t from;
    if (!PyArg_ParseTuple(args, "n", &from))
        return NULL;
    return PyLong_FromSize_t(mp_tracer_room(self->tracer, (size_t)from));
}

static PyObject *place_of(const struct mp_traced *traced, size_t offset)
{
    const struct mp_line_table *table = traced->table;
    return Py_BuildValue("Oiiin", traced->code, table->first, table->entry, table->count,
                         (Py_ssize_t)offset);
}

static PyObject *tracer_place(struct tracer_object *self, PyObject *args)
{
    int fd;
    Py_ssize_t offset, from;
    size_t at = 0;
    if (!PyArg_ParseTuple(args, "inn", &fd, &offset, &from))
        return NULL;
    bool counts =
        !self->tracer->flow || !mp_flow_resume(); /* a fork ended what its parent kept */
    if (!counts || mp_tracer_place(self->tracer, fd, offset, (size_t)from))
        return PyErr_SetFromErrno(PyExc_OSError);
    PyObject *list = PyList_New(0);
    for (size_t i = (size_t)from; list && i < self->tracer->count; i++) {
        if (mp_list_take(list, place_of(&self->tracer->traced[i], at)))
            Py_CLEAR(list);
        at += mp_line_table_room(self->tracer->traced[i].table);
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
    {"add_block", (PyCFunction)tracer_add_block, METH_VARARGS,
     "add_block(code, line): a table for blocks of the code that begin at `line`; see Block.\n"
     "It is the only one of its tracer."},
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
    {"grown", (PyCFunction)tracer_grown, METH_NOARGS,
     "grown() -> {code: {line: (type, objects, bytes)}}: the type of which each line has had\n"
     "most, with types=True."},
    {"room", (PyCFunction)tracer_room, METH_VARARGS,
     "room(first) -> bytes that place() needs for the tables from that number on."},
    {"place", (PyCFunction)tracer_place, METH_VARARGS,
     "place(fd, offset, first) -> [(code, first line, entry line, rows, offset), ...].\n"
     "Moves the tables from a number on into a file, where they begin again: a baseline (i64,\n"
     "-1: never entered), then rows of seven 8-byte numbers: memory, increment, peak,\n"
     "occurrences, allocated, freed, heap_peak. For a process that has one thread."},
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
     "Tracer(metric='rss', children=False, call=None, peaks=False, heap=False,\n"
     "types=False): line tables of one profiler. peaks (of RSS alone): the high-water mark of each line. heap: bytes of\n"
     "Python's allocators. types: the type that grew most at each.\n"
     "call() -> bytes replaces the meter when given."},
    {0, NULL},
};

PyType_Spec mp_tracer_spec = {
    .name = "memory_profiler._core.Tracer",
    .basicsize = sizeof(struct tracer_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
