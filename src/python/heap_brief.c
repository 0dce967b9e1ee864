/* Captures inside a recording that have a file only where their figures are large: very many of them,
 * one after the other, cost little. */
#include "python/heap.h"

#include "base/output.h"
#include "python/door.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

PyObject *mp_heap_object_rest(struct mp_heap_object *self, PyObject *ignored)
{
    (void)ignored;
    if (!self->recording || self->nest)
        return PyErr_Format(PyExc_RuntimeError, "this is no recording that runs");
    mp_hooks_may_rest();
    Py_RETURN_NONE;
}

PyObject *mp_heap_object_filled(struct mp_heap_object *self, PyObject *ignored)
{
    (void)ignored;
    bool runs = self->recording && self->pid == getpid() && !mp_hooks_are_nested();
    return PyFloat_FromDouble(runs ? mp_hooks_filled() : 0);
}

PyObject *mp_heap_object_begin(struct mp_heap_object *self, PyObject *args)
{
    int native, apart, alone, warm;
    if (!PyArg_ParseTuple(args, "pppp", &native, &apart, &alone, &warm))
        return NULL;
    if (self->opened || self->brief || !mp_hooks_are_open())
        return PyErr_Format(PyExc_RuntimeError,
                            "nothing is recorded that it could be inside");
    self->brief = PyMem_Calloc(1, sizeof *self->brief);
    if (!self->brief)
        return PyErr_NoMemory();
    self->pid = getpid();
    self->nest = mp_hooks_nest(&(struct mp_nest_terms){
        .python = !native, .apart = apart, .alone = alone, .warm = warm});
    self->recording = self->nest;
    if (!self->nest)
        return PyErr_SetFromErrno(PyExc_OSError);
    mp_heap_object_note(self);
    Py_RETURN_NONE;
}

/* What is too large. */
struct judging {
    struct mp_heap_object *self;
    int64_t peak, live;
};

/* With the recorder's lock: nobody may change it meanwhile. */
static void judge(void *context)
{
    struct judging *judging = context;
    struct mp_heap_object *self = judging->self;
    mp_nest_figures(self->nest, self->brief);
    if (self->brief->peak <= judging->peak && self->brief->live <= judging->live)
        return;
    if (mp_heap_object_open(self, NULL, 0)) {
        self->failed = errno;
        return;
    }
    self->opened = true;
    self->file.heap.header->wall_start = self->nest->wall_start;
    if (mp_nest_copy(self->nest, &self->file.heap, NULL))
        self->failed = errno;
}

PyObject *mp_heap_object_kill_over(struct mp_heap_object *self, PyObject *bytes)
{
    long long most = PyLong_AsLongLong(bytes);
    if (most == -1 && PyErr_Occurred())
        return NULL;
    if (!self->recording || self->nest)
        return PyErr_Format(PyExc_RuntimeError, "this is no recording that runs");
    mp_hooks_kill_over(most);
    Py_RETURN_NONE;
}

PyObject *mp_heap_object_could_start(struct mp_heap_object *self, PyObject *ignored)
{
    (void)self, (void)ignored;
    return PyBool_FromLong(!mp_hooks_are_open() || mp_flow_runs());
}

PyObject *mp_heap_object_kept(struct mp_heap_object *self, PyObject *ignored)
{
    (void)ignored;
    int64_t bytes = -1;
    bool has = self->brief && self->nest && self->pid == getpid();
    if (has)
        bytes = self->recording ? self->nest->live : mp_hooks_kept(self->nest);
    if (!self->recording) {
        mp_nest_release(self->nest);
        self->nest = NULL;
    }
    return PyLong_FromLongLong(bytes);
}

bool mp_heap_object_is_counted(const struct mp_heap_object *self)
{
    return self->brief && self->nest && self->pid == getpid() && !self->over &&
           mp_hooks_kept(self->nest) >= 0;
}

static void end_now(struct mp_heap_object *self, struct judging *judging)
{
    mp_heap_object_forget(self);
    mp_hooks_unnest(self->nest, judge, judging);
    if (self->opened && mp_heap_file_finish(&self->file) && !self->failed)
        self->failed = errno;
}

PyObject *mp_heap_object_finish(struct mp_heap_object *self, PyObject *args)
{
    long long peak, live;
    if (!PyArg_ParseTuple(args, "LL", &peak, &live))
        return NULL;
    if (!self->recording || !self->brief)
        return PyErr_Format(PyExc_RuntimeError, "this was not begun");
    struct judging judging = {self, peak, live};
    self->recording = false;
    if (self->pid == getpid() && !self->over)
        end_now(self, &judging);
    const struct mp_nest_figures *now = self->brief;
    return Py_BuildValue("(LLKKKLLKiO)", (long long)now->peak, (long long)now->live,
                         (unsigned long long)now->blocks,
                         (unsigned long long)now->live_blocks,
                         (unsigned long long)now->total, (long long)now->rss,
                         (long long)now->rss_end, (unsigned long long)now->untracked,
                         self->failed, self->opened ? Py_True : Py_False);
}

PyObject *mp_heap_object_save(struct mp_heap_object *self, PyObject *args)
{
    PyObject *argument, *path, *texts = NULL;
    if (!PyArg_ParseTuple(args, "O|O!", &argument, &PyDict_Type, &texts))
        return NULL;
    if (self->recording || !self->opened)
        return PyErr_Format(PyExc_RuntimeError, "this capture has not ended");
    if (!PyUnicode_FSConverter(argument, &path))
        return NULL;
    int fd = mp_output_create(PyBytes_AS_STRING(path), MP_OUTPUT_PRIVATE);
    if (fd >= 0 && !self->file.path) {
        self->file.path = realpath(PyBytes_AS_STRING(path), NULL);
        mp_heap_object_keep_sources(self, texts);
    }
    int failed = fd < 0 || mp_heap_file_write(&self->file, fd), kept = errno;
    if (fd >= 0 && failed)
        unlink(PyBytes_AS_STRING(path));
    if (fd >= 0)
        close(fd);
    Py_DECREF(path);
    errno = kept;
    return failed ? PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, argument)
                  : Py_NewRef(Py_None);
}
