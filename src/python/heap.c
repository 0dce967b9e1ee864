/* Heap captures for Python: start, stop, figures. docs/heap-file.md says what is kept. */
#include "python/module.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "aggregate/heap_lines.h"
#include "base/output.h"
#include "capture/hooks_python.h"
#include "store/heap_file.h"
#include "store/heap_run.h"

struct heap {
    PyObject_HEAD struct mp_heap_file file;
    bool opened, recording;
    pid_t pid;
};

/* As python/memory_profiler/heap.py says it. */
enum native { NATIVE_NO, NATIVE_YES, NATIVE_IF_POSSIBLE };

static int open_file(struct heap *self, PyObject *path)
{
    int fd = -1;
    const char *name = path ? PyBytes_AS_STRING(path) : NULL;
    char *whole = NULL;
    if (name && (fd = mp_output_create(name, MP_OUTPUT_PRIVATE)) < 0)
        return -1;
    if (name)
        whole = realpath(name, NULL); /* the program may change directory */
    int failed = mp_heap_file_open(&self->file, fd, whole ? whole : name);
    int kept = errno;
    free(whole);
    if (failed && name)
        unlink(name);
    errno = kept;
    return failed;
}

static PyObject *start_failed(PyObject *path)
{
    if (errno == EBUSY)
        PyErr_SetString(PyExc_RuntimeError,
                        "heap tracking is on already: stop the other tracker first");
    else if (path)
        PyErr_SetFromErrnoWithFilename(PyExc_OSError, PyBytes_AS_STRING(path));
    else
        PyErr_SetFromErrno(PyExc_OSError);
    return NULL;
}

/* Native memory as it is wanted; where it cannot be had and need not, without it. */
static int start_hooks(struct heap *self, enum native native, uint64_t sample)
{
    struct mp_heap *heap = &self->file.heap;
    int failed = mp_hooks_start(heap, native != NATIVE_NO, sample);
    if (failed && native == NATIVE_IF_POSSIBLE)
        failed = mp_hooks_start(heap, false, sample);
    return failed;
}

static int begin(struct heap *self, int (*open)(struct heap *, PyObject *path),
                 PyObject *path, enum native native, uint64_t sample)
{
    mp_flow_yield();
    if (mp_hooks_are_open())
        errno = EBUSY;
    int failed = mp_hooks_are_open() || open(self, path);
    if (!failed) {
        self->opened = true;
        self->pid = getpid();
        failed = start_hooks(self, native, sample);
    }
    self->recording = !failed;
    int kept = errno;
    if (failed)
        mp_flow_resume();
    errno = kept;
    return failed;
}

static PyObject *start(struct heap *self, PyObject *args)
{
    PyObject *argument, *path = NULL;
    int native;
    unsigned long long sample;
    if (!PyArg_ParseTuple(args, "OiK", &argument, &native, &sample))
        return NULL;
    if (self->opened)
        return PyErr_Format(PyExc_RuntimeError,
                            "this tracker was started before: make another");
    if (argument != Py_None && !PyUnicode_FSConverter(argument, &path))
        return NULL;
    int failed = begin(self, open_file, path, (enum native)native, sample);
    PyObject *result = failed ? start_failed(path) : Py_NewRef(Py_None);
    Py_XDECREF(path);
    return result;
}

/* The file of a process that is not its run's first. */
static int open_beside(struct heap *self, PyObject *first)
{
    char *path;
    int fd = mp_heap_run_create(PyBytes_AS_STRING(first), &path);
    if (fd < 0)
        return -1;
    int failed = mp_heap_file_open(&self->file, fd, path);
    int kept = errno;
    if (failed)
        unlink(path);
    free(path);
    errno = kept;
    return failed;
}

static PyObject *join(struct heap *self, PyObject *args)
{
    PyObject *first;
    unsigned long long run;
    int parent;
    uint32_t followed;
    uint64_t sample;
    if (!PyArg_ParseTuple(args, "O&Ki", PyUnicode_FSConverter, &first, &run, &parent))
        return NULL;
    int failed = mp_heap_run_join(PyBytes_AS_STRING(first), run, &followed, &sample);
    if (!failed) {
        bool native = followed & 1 << MP_HEAP_MALLOC;
        failed = begin(self, open_beside, first, native ? NATIVE_IF_POSSIBLE : NATIVE_NO,
                       sample);
    }
    if (!failed) {
        self->file.heap.header->parent = parent;
        self->file.heap.header->run = run;
    }
    PyObject *result = failed ? start_failed(first) : Py_NewRef(Py_None);
    if (failed && self->opened)
        unlink(self->file.path);
    Py_DECREF(first);
    return result;
}

/* Whoever starts a program with more rights than their own may not say where it writes. */
static PyObject *notice(PyObject *ignored, PyObject *nothing)
{
    const char *text = secure_getenv("MPROF_HEAP");
    (void)ignored, (void)nothing;
    return text ? PyUnicode_DecodeFSDefault(text) : Py_NewRef(Py_None);
}

/* A forked child has a copy of the object, but the capture is its parent's. */
static int end(struct heap *self)
{
    bool was = self->recording;
    self->recording = false;
    if (!was || self->pid != getpid())
        return 0;
    mp_hooks_stop();
    int failed = mp_heap_file_finish(&self->file);
    int kept = errno;
    mp_flow_resume();
    errno = kept;
    return failed;
}

static PyObject *stop(struct heap *self, PyObject *ignored)
{
    (void)ignored;
    if (!self->recording)
        return PyErr_Format(PyExc_RuntimeError, "this tracker is not running");
    return end(self) ? PyErr_SetFromErrno(PyExc_OSError) : Py_NewRef(Py_None);
}

static void dealloc(struct heap *self)
{
    PyTypeObject *type = Py_TYPE(self);
    end(self);
    if (self->opened)
        mp_heap_file_release(&self->file);
    type->tp_free(self);
    Py_DECREF(type);
}

static const struct mp_heap_header *header_of(struct heap *self)
{
    if (!self->opened)
        PyErr_SetString(PyExc_RuntimeError, "this tracker was not started");
    return self->opened ? self->file.heap.header : NULL;
}

/* Children of the run that are counted, and have no capture. */
static uint64_t left_out(const struct mp_heap_header *first)
{
    return first->children > MP_HEAP_CHILDREN ? first->children - MP_HEAP_CHILDREN : 0;
}

static PyObject *figures(struct heap *self, PyObject *ignored)
{
    (void)ignored;
    const struct mp_heap_header *header = header_of(self);
    if (!header)
        return NULL;
    struct mp_heap_header now = *header; /* before the dictionary's own blocks count */
    struct mp_heap_view view = mp_heap_view_of(&self->file.heap);
    struct mp_heap_totals totals = mp_heap_totals(&view);
    return Py_BuildValue(
        "{sLsLsLsKsKsKsKsKsKsKsKsisisOsKsKsKsK}", "live", now.live, "peak", now.peak,
        "peak_time", now.peak_time, "live_blocks", totals.live_blocks, "peak_blocks",
        totals.peak_blocks, "total", totals.total, "allocations", totals.blocks, "frees",
        totals.frees, "temporary", totals.temporary, "untracked", now.untracked,
        "shortened", now.shortened, "in_memory", self->file.in_memory, "error",
        self->file.error, "native", now.followed & 1 << MP_HEAP_MALLOC ? Py_True : Py_False,
        "sample", now.sample, "run", now.run, "children", now.children, "children_left_out",
        left_out(&now));
}

static PyObject *text_of(const struct mp_heap_view *view, struct mp_heap_text text)
{
    return PyUnicode_DecodeUTF8(view->text + text.offset, (Py_ssize_t)text.length,
                                "surrogateescape");
}

static PyObject *row_of(const struct mp_heap_view *view, const struct mp_heap_line *line)
{
    const struct mp_heap_code *code = &view->codes[line->code];
    PyObject *file = text_of(view, code->file), *name = text_of(view, code->name);
    if (!file || !name) {
        Py_XDECREF(file);
        Py_XDECREF(name);
        return NULL;
    }
    return Py_BuildValue("(NiNLLKKKKK)", file, line->line, name, line->at_peak, line->live,
                         line->blocks_at_peak, line->live_blocks, line->total, line->blocks,
                         line->temporary);
}

struct looking {
    struct mp_heap *heap;
    struct mp_heap_view view;
    struct mp_heap_own own;
    struct mp_heap_lines lines;
    int failed;
};

/* Runs while nobody writes; allocates with malloc only. */
static void look(void *context)
{
    struct looking *looking = context;
    looking->view = mp_heap_view_of(looking->heap);
    looking->failed = mp_heap_own_init(&looking->own, &looking->view) ||
                      mp_heap_lines_init(&looking->lines, &looking->view, &looking->own);
    mp_heap_own_release(&looking->own);
}

static PyObject *rows(const struct looking *looking, Py_ssize_t count)
{
    PyObject *list = PyList_New(0);
    for (Py_ssize_t i = 0; list && i < count && (size_t)i < looking->lines.count; i++) {
        PyObject *row = row_of(&looking->view, &looking->lines.lines[i]);
        if (!row || PyList_Append(list, row))
            Py_CLEAR(list);
        Py_XDECREF(row);
    }
    return list;
}

static PyObject *top(struct heap *self, PyObject *args)
{
    Py_ssize_t count;
    int order;
    if (!PyArg_ParseTuple(args, "ni", &count, &order) || !header_of(self))
        return NULL;
    struct looking looking = {.heap = &self->file.heap};
    if (self->recording)
        mp_hooks_pause(look, &looking);
    else
        look(&looking);
    if (looking.failed)
        return PyErr_NoMemory();
    mp_heap_lines_sort(&looking.lines, &looking.view, (enum mp_heap_order)order);
    PyObject *list = rows(&looking, count);
    mp_heap_lines_release(&looking.lines);
    return list;
}

static PyMethodDef methods[] = {
    {"start", (PyCFunction)start, METH_VARARGS,
     "start(path, native, sample): record every block of Python's allocators into the file, None for\n"
     "none; native: 0 no, 1 also those of malloc and mmap, 2 also those if possible;\n"
     "sample: bytes between recorded blocks on average, 0 for all."},
    {"join", (PyCFunction)join, METH_VARARGS,
     "join(path, run, parent): record into a file beside path, the first capture of this run."},
    {"notice", notice, METH_NOARGS | METH_STATIC,
     "notice() -> what the environment says of the run this process belongs to, or None."},
    {"stop", (PyCFunction)stop, METH_NOARGS, "stop(): end the capture."},
    {"figures", (PyCFunction)figures, METH_NOARGS,
     "figures() -> dict of totals: bytes, blocks; peak_time in ns since the start."},
    {"top", (PyCFunction)top, METH_VARARGS,
     "top(count, order) -> [(file, line, function, at_peak, live, blocks_at_peak,\n"
     "live_blocks, total, blocks, temporary)], by 0 the peak, 1 what is live, 2 churn."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "One heap capture. See memory_profiler.heap."},
    {Py_tp_methods, methods},
    {Py_tp_dealloc, dealloc},
    {Py_tp_new, PyType_GenericNew},
    {0, NULL},
};

PyType_Spec mp_heap_spec = {
    .name = "memory_profiler._core.Heap",
    .basicsize = sizeof(struct heap),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots,
};
