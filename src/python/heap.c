/* Heap captures for Python: start and stop. docs/heap-file.md says what is kept. */
#include "python/heap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/output.h"
#include "python/door.h"
#include "python/values.h"
#include "store/heap/run.h"

static struct mp_heap_object *inside; /* the last one that began is first */

/* As python/memory_profiler/heap.py says it. */
enum native { NATIVE_NO, NATIVE_YES, NATIVE_IF_POSSIBLE };

int mp_heap_object_open(struct mp_heap_object *self, PyObject *path, uint64_t most)
{
    int fd = -1;
    const char *name = path ? PyBytes_AS_STRING(path) : NULL;
    char *whole = NULL;
    if (name && (fd = mp_output_create(name, MP_OUTPUT_PRIVATE)) < 0)
        return -1;
    if (name)
        whole = realpath(name, NULL); /* the program may change directory */
    int failed = mp_heap_file_open(&self->file, fd, whole ? whole : name, most);
    int kept = errno;
    free(whole);
    if (failed && name)
        unlink(name);
    errno = kept;
    return failed;
}

static const char own_maps[] = "/proc/self/maps";

static PyObject *start_failed(PyObject *path)
{
    if (errno == ENOENT && access(own_maps, R_OK))
        PyErr_SetFromErrnoWithFilename(PyExc_OSError, own_maps); /* /proc is not mounted */
    else if (path)
        PyErr_SetFromErrnoWithFilename(PyExc_OSError, PyBytes_AS_STRING(path));
    else
        PyErr_SetFromErrno(PyExc_OSError);
    return NULL;
}

/* A start that failed leaves nothing, and may be tried again; errno is kept. */
static int undo(struct mp_heap_object *self)
{
    int kept = errno;
    if (self->file.path)
        unlink(self->file.path);
    mp_heap_file_release(&self->file);
    self->opened = false;
    errno = kept;
    return -1;
}

/* Native memory as it is wanted; where it cannot be had and need not, without it. */
static int start_hooks(struct mp_heap_object *self, enum native native, uint64_t sample)
{
    struct mp_heap *heap = &self->file.heap;
    int failed = mp_hooks_start(heap, native != NATIVE_NO, sample);
    if (failed && native == NATIVE_IF_POSSIBLE)
        failed = mp_hooks_start(heap, false, sample);
    return failed;
}

typedef int open_it(struct mp_heap_object *, PyObject *path, uint64_t most);

static int begin_alone(struct mp_heap_object *self, open_it *open, PyObject *path,
                       enum native native, const struct mp_heap_terms *terms)
{
    if (mp_hooks_are_open()) {
        errno = EBUSY;
        return -1;
    }
    if (open(self, path, terms->most))
        return -1;
    self->opened = true;
    self->pid = getpid();
    self->file.heap.header->attached = self->attached;
    self->file.has_keeper = self->by_mprof;
    return start_hooks(self, native, terms->sample) ? undo(self) : 0;
}

static int begin(struct mp_heap_object *self, open_it *open, PyObject *path,
                 enum native native, const struct mp_heap_terms *terms)
{
    mp_flow_yield();
    int failed = begin_alone(self, open, path, native, terms), kept = errno;
    self->recording = !failed;
    if (failed)
        mp_flow_resume();
    errno = kept;
    return failed;
}

void mp_heap_object_note(struct mp_heap_object *self)
{
    self->next = inside;
    inside = self;
}

void mp_heap_object_forget(struct mp_heap_object *self)
{
    struct mp_heap_object **at = &inside;
    while (*at && *at != self)
        at = &(*at)->next;
    if (*at)
        *at = self->next;
}

/* Inside the recording that is open, with all it can have of it. */
static int begin_inside(struct mp_heap_object *self, PyObject *path, enum native native,
                        const struct mp_heap_terms *terms)
{
    if (native == NATIVE_YES && !mp_hooks_are_native()) {
        errno = EOPNOTSUPP; /* nor can it begin in the middle */
        return -1;
    }
    if (mp_heap_object_open(self, path, terms->most ? terms->most : mp_hooks_room()))
        return -1;
    self->opened = true;
    self->pid = getpid();
    self->nest = mp_hooks_nest(&(struct mp_nest_terms){.python = native == NATIVE_NO});
    self->recording = self->nest;
    if (!self->nest)
        return undo(self);
    self->file.heap.header->wall_start = self->nest->wall_start;
    mp_heap_object_note(self);
    return 0;
}

static PyObject *start(struct mp_heap_object *self, PyObject *args)
{
    PyObject *argument, *path = NULL;
    int native, sources, types = MP_TYPES_CHEAP;
    unsigned long long sample, most;
    if (!PyArg_ParseTuple(args, "OiKKp|i", &argument, &native, &sample, &most, &sources,
                          &types))
        return NULL;
    if (self->opened)
        return PyErr_Format(PyExc_RuntimeError,
                            "this tracker was started before: make another");
    if (argument != Py_None && !PyUnicode_FSConverter(argument, &path))
        return NULL;
    struct mp_heap_terms terms = {.sample = sample, .most = most};
    mp_flow_yield(); /* that one is no recording that anybody reads */
    int failed = mp_hooks_are_open()
                     ? begin_inside(self, path, (enum native)native, &terms)
                     : begin(self, mp_heap_object_open, path, (enum native)native, &terms);
    self->no_sources = !sources;
    self->types = (enum mp_heap_types)types;
    if (!failed && !sources)
        self->file.heap.header->followed |= MP_HEAP_NO_SOURCES; /* for its children */
    if (!failed && types)
        self->file.heap.header->followed |=
            types == MP_TYPES_ALWAYS ? MP_HEAP_TYPES_ALWAYS : MP_HEAP_TYPES_NEVER;
    if (!failed && !self->nest)
        mp_heap_object_watch_types(self);
    PyObject *result = failed ? start_failed(path) : Py_NewRef(Py_None);
    Py_XDECREF(path);
    return result;
}

/* The file of a process that is not its run's first. */
static int open_beside(struct mp_heap_object *self, PyObject *first, uint64_t most)
{
    char *path;
    int fd = mp_heap_run_create(PyBytes_AS_STRING(first), &path);
    if (fd < 0)
        return -1;
    int failed = mp_heap_file_open(&self->file, fd, path, most);
    int kept = errno;
    if (failed)
        unlink(path);
    free(path);
    errno = kept;
    return failed;
}

static PyObject *join(struct mp_heap_object *self, PyObject *args)
{
    PyObject *first;
    unsigned long long run;
    int parent;
    struct mp_heap_terms terms;
    if (!PyArg_ParseTuple(args, "O&Ki", PyUnicode_FSConverter, &first, &run, &parent))
        return NULL;
    int failed = mp_heap_run_join(PyBytes_AS_STRING(first), run, &terms);
    if (!failed) {
        bool native = terms.followed & 1 << MP_HEAP_MALLOC;
        failed = begin(self, open_beside, first, native ? NATIVE_IF_POSSIBLE : NATIVE_NO,
                       &terms);
    }
    if (!failed) {
        self->file.heap.header->parent = parent;
        self->file.heap.header->run = run;
        self->no_sources = terms.followed & MP_HEAP_NO_SOURCES;
        self->types = terms.followed & MP_HEAP_TYPES_ALWAYS  ? MP_TYPES_ALWAYS
                      : terms.followed & MP_HEAP_TYPES_NEVER ? MP_TYPES_NEVER
                                                             : MP_TYPES_CHEAP;
        mp_heap_object_watch_types(self);
    }
    PyObject *result = failed ? start_failed(first) : Py_NewRef(Py_None);
    Py_DECREF(first);
    return result;
}

static PyObject *belong(struct mp_heap_object *self, PyObject *args)
{
    unsigned long long run;
    int parent;
    const char *worker;
    struct mp_heap_header *header = self->file.heap.header;
    if (!PyArg_ParseTuple(args, "Kis", &run, &parent, &worker))
        return NULL;
    if (!self->opened || self->pid != getpid())
        return PyErr_Format(PyExc_RuntimeError, "this tracker was not started");
    header->run = run ? run : header->run;
    header->parent = parent;
    if (*worker)
        snprintf(header->identity.worker, sizeof header->identity.worker, "%s", worker);
    return PyLong_FromUnsignedLongLong(header->run);
}

static PyObject *engine(struct mp_heap_object *self, PyObject *args)
{
    long long rss, managed, spilled, limit;
    if (!PyArg_ParseTuple(args, "LLLL", &rss, &managed, &spilled, &limit))
        return NULL;
    if (!self->recording || self->nest || self->pid != getpid())
        Py_RETURN_FALSE;
    struct mp_heap_header *header = self->file.heap.header;
    struct mp_heap_engine *its = &header->engine;
    struct mp_engine_look look = {.time = header->elapsed > 0 ? header->elapsed : 1,
                                  .rss = rss,
                                  .managed = managed,
                                  .spilled = spilled,
                                  .heap = header->live};
    its->limit = limit;
    its->looks[MP_ENGINE_LAST] = look;
    if (rss >= its->looks[MP_ENGINE_MOST].rss)
        its->looks[MP_ENGINE_MOST] = look;
    Py_RETURN_TRUE;
}

static PyObject *follow(struct mp_heap_object *self, PyObject *args)
{
    unsigned long long most = 0;
    if (!PyArg_ParseTuple(args, "|K", &most))
        return NULL;
    struct mp_heap_header *header = self->file.heap.header;
    if (!self->recording || self->nest)
        return PyErr_Format(PyExc_RuntimeError, "this tracker has no run");
    header->most_children = most;
    header->followed |= MP_HEAP_CHILDREN_TOO;
    return PyLong_FromUnsignedLongLong(header->run);
}

struct ending {
    struct mp_heap_object *self;
    uint32_t *numbers; /* owned: of the nodes in the copy */
};

static void copy_inside(void *context)
{
    struct ending *ending = context;
    struct mp_heap_object *self = ending->self;
    bool failed = mp_nest_copy(self->nest, &self->file.heap, &ending->numbers);
    self->failed = failed ? errno : 0;
}

static void sum_inside(void *context)
{
    const struct ending *ending = context;
    mp_nest_figures(ending->self->nest, ending->self->brief);
}

static int end_inside(struct mp_heap_object *self, PyObject *texts)
{
    struct ending ending = {self, NULL};
    struct mp_census census;
    bool typed = !self->brief && self->types == MP_TYPES_ALWAYS &&
                 !mp_census_take(&census, self->nest);
    mp_heap_object_forget(self);
    mp_hooks_unnest(self->nest, self->brief ? sum_inside : copy_inside, &ending);
    int why = self->failed;
    if (typed) {
        if (ending.numbers)
            mp_heap_object_keep_inner_types(self, &census, ending.numbers);
        mp_census_release(&census);
    }
    free(ending.numbers);
    mp_nest_release(self->nest);
    self->nest = NULL;
    if (!self->brief)
        mp_heap_object_keep_sources(self, texts);
    if (!self->brief && mp_heap_file_finish(&self->file) && !why)
        why = errno;
    errno = why;
    return why ? -1 : 0;
}

/* All that run inside the one that ends. In a forked child they are its parent's. */
static void end_those_inside(void)
{
    while (inside) {
        struct mp_heap_object *one = inside;
        mp_heap_object_forget(one);
        if (one->pid != getpid())
            continue;
        one->failed = end_inside(one, NULL) ? errno : 0;
        one->over = true;
    }
}

/* A forked child has a copy of the object, but the capture is its parent's. */
static int end(struct mp_heap_object *self, PyObject *texts)
{
    bool was = self->recording;
    self->recording = false;
    if (!was || self->pid != getpid())
        return 0;
    if (self->nest)
        return end_inside(self, texts);
    if (self->over) {
        errno = self->failed;
        return self->failed ? -1 : 0;
    }
    end_those_inside();
    mp_heap_object_unwatch_types(self);
    mp_heap_object_keep_types(self);
    mp_heap_object_keep_holders(self);
    mp_hooks_stop();
    mp_heap_object_keep_sources(self, texts);
    int failed = mp_heap_file_finish(&self->file);
    int kept = errno;
    mp_flow_resume();
    errno = kept;
    return failed;
}

static PyObject *place(struct mp_heap_object *self, PyObject *ignored)
{
    (void)ignored;
    if (!self->opened || !self->file.path)
        return PyErr_Format(PyExc_RuntimeError, "this has no file");
    return PyBytes_FromString(self->file.path);
}

static PyObject *cut_short(void)
{
    PyObject *problem = PyObject_CallFunction(
        PyExc_OSError, "is", ESTALE, "it was cut short while it was recorded into");
    if (problem)
        PyErr_SetObject(PyExc_OSError, problem);
    Py_XDECREF(problem);
    return NULL;
}

static PyObject *stop(struct mp_heap_object *self, PyObject *args)
{
    PyObject *texts = NULL;
    if (!PyArg_ParseTuple(args, "|O!", &PyDict_Type, &texts))
        return NULL;
    if (!self->recording)
        return PyErr_Format(PyExc_RuntimeError, "this tracker is not running");
    if (!end(self, texts))
        return Py_NewRef(Py_None);
    return errno == ESTALE ? cut_short() : PyErr_SetFromErrno(PyExc_OSError);
}

static void dealloc(struct mp_heap_object *self)
{
    self->types = MP_TYPES_NEVER; /* the interpreter may be on its way out */
    end(self, NULL);
    mp_heap_object_unwatch_types(self);
    mp_heap_object_forget(self); /* of a parent's, in a forked child */
    mp_nest_release(self->nest);
    PyMem_Free(self->brief);
    free(self->known);
    if (self->opened)
        mp_heap_file_release(&self->file);
    mp_object_free(self);
}

static PyMethodDef methods[] = {
    {"start", (PyCFunction)start, METH_VARARGS,
     "start(path, native, sample, most, sources, types): record every block of Python's allocators into the file, None for\n"
     "none; native: 0 no, 1 also those of malloc and mmap, 2 also those if possible;\n"
     "sample: bytes between recorded blocks on average, 0 for all; most: bytes that the file may\n"
     "have, 0 for the usual; sources: whether source text goes into it;\n"
     "types: whether what the blocks are is counted at the end, 0 if it is cheap, 1 yes, 2 no."},
    {"join", (PyCFunction)join, METH_VARARGS,
     "join(path, run, parent): record into a file beside path, the first capture of this run."},
    {"belong", (PyCFunction)belong, METH_VARARGS,
     "belong(run, parent, worker) -> the run's number. Says whose capture it is: of this run, 0 for one of its own, started by that process, 0\n"
     "for none; what its engine calls the worker, or ''."},
    {"engine", (PyCFunction)engine, METH_VARARGS,
     "engine(rss, managed, spilled, limit) -> whether it is recorded. What the engine says of this worker's memory now, bytes."},
    {"follow", (PyCFunction)follow, METH_VARARGS,
     "follow(most) -> the run's number. Its children may join from here on, so many of them; 0: the usual number."},
    {"stop", (PyCFunction)stop, METH_VARARGS,
     "stop(texts): end the capture; texts: {name: (label, text)} of code that is in no file."},
    {"place", (PyCFunction)place, METH_NOARGS,
     "place() -> the whole path of its file, bytes."},
    {"figures", (PyCFunction)mp_heap_object_figures, METH_NOARGS,
     "figures() -> dict of totals: bytes, blocks; peak_time in ns since the start."},
    {"closing", (PyCFunction)mp_heap_object_closing, METH_NOARGS,
     "closing() -> the peak and the user's line that led to most of it, when it has ended."},
    {"top", (PyCFunction)mp_heap_object_top, METH_VARARGS,
     "top(count, order) -> [(file, line, function, at_peak, live, blocks_at_peak,\n"
     "live_blocks, total, blocks, temporary)], by 0 the peak, 1 what is live, 2 churn."},
    {"stacks", (PyCFunction)mp_heap_object_stacks, METH_VARARGS,
     "stacks(order) -> [(bytes, blocks, [(file, line, function, whose)])], the innermost frame\n"
     "first; order as for top(); whose: 0 Python's or installed, 1 the user's, 2 our own."},
    {"types", (PyCFunction)mp_heap_object_types, METH_O,
     "types(by_line) -> [(type, file, line, function, objects, bytes, kept blocks, kept bytes)]\n"
     "of what is live, now or when it ended; None where that was not counted."},
    {"know", (PyCFunction)mp_heap_object_know, METH_NOARGS,
     "know(): what is live of a stretch now is none of its survivors."},
    {"survivors", (PyCFunction)mp_heap_object_survivors, METH_NOARGS,
     "survivors() -> [([object], [(file, line, function, whose)])] that are live of what a stretch\n"
     "allocated, also for as long as the recording around it goes on."},
    {"rest", (PyCFunction)mp_heap_object_rest, METH_NOARGS,
     "rest(): record blocks only while other captures run inside this one."},
    {"filled", (PyCFunction)mp_heap_object_filled, METH_NOARGS,
     "filled() -> how full the recording is, 0 to 1; 0 while others run inside."},
    {"kill_over", (PyCFunction)mp_heap_object_kill_over, METH_O,
     "kill_over(bytes): kill this process, with a line on stderr, when more is live."},
    {"could_start", (PyCFunction)mp_heap_object_could_start, METH_NOARGS,
     "could_start() -> whether no recording runs that this one would be inside."},
    {"kept", (PyCFunction)mp_heap_object_kept, METH_NOARGS,
     "kept() -> bytes that are live now of what it counted; once, when it is finished. -1: not\n"
     "known."},
    {"begin", (PyCFunction)mp_heap_object_begin, METH_VARARGS,
     "begin(native, apart, alone, warm): count what is allocated from here on inside the\n"
     "recording that runs; apart: those around it do not; alone: by this thread; warm: not by\n"
     "imports."},
    {"finish", (PyCFunction)mp_heap_object_finish, METH_VARARGS,
     "finish(peak, live) -> (peak, live, allocations, live blocks, total, rss, rss at the end,\n"
     "untracked, errno, whether it is kept). It is a capture of its own, in memory, where its\n"
     "peak or live bytes are more than these."},
    {"attached", (PyCFunction)mp_heap_object_attached, METH_O,
     "attached(by_mprof): it is to begin late, at this age of the process; by mprof, which gives back what the file does not need."},
    {"save", (PyCFunction)mp_heap_object_save, METH_VARARGS,
     "save(path, texts): write the capture of one that is kept into a file that does not exist;\n"
     "texts as for stop()."},
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
    .basicsize = sizeof(struct mp_heap_object),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots,
};
