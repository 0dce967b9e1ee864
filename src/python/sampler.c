/* memory_profiler._core.Sampler: a process's memory over time, taken without Python's lock. */
#include "python/door.h"
#include "python/forks.h"

#include <errno.h>
#include <math.h>
#include <unistd.h>

#include "capture/timeline/sampling.h"
#include "python/values.h"

struct sampler_object {
    PyObject_HEAD bool open;
    struct mp_sampling sampling;
};

static int64_t nanoseconds(double seconds)
{
    const double longest = 1e9;
    return seconds >= longest ? (int64_t)(longest * 1e9) : (int64_t)ceil(seconds * 1e9);
}

static PyObject *sampler_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"interval", "pid",  "metric",     "children",
                            "each",     "peak", "peak_times", NULL};
    double interval;
    int pid = 0, children = 0, each = 0, peak = 0, times = 0;
    const char *metric = "rss";
    struct mp_sampling_options options = {0};
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "d|ispppp", names, &interval, &pid,
                                     &metric, &children, &each, &peak, &times) ||
        mp_metric_from(metric, &options.metric))
        return NULL;
    if (!(interval > 0))
        return PyErr_Format(PyExc_ValueError, "the interval must be above 0 seconds");
    if (pid < 0)
        return PyErr_Format(PyExc_ValueError, "no process has the number %d", pid);
    options.pid = pid == getpid() ? 0 : pid;
    options.sum_children = children;
    options.each_child = each;
    options.peak = peak;
    options.peak_times = times;
    options.interval = nanoseconds(interval);
    struct sampler_object *self = (struct sampler_object *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    if (mp_sampling_open(&self->sampling, &options)) {
        PyErr_SetFromErrno(PyExc_OSError);
        Py_DECREF(self);
        return NULL;
    }
    self->open = true;
    return (PyObject *)self;
}

static void sampler_dealloc(struct sampler_object *self)
{
    if (self->open)
        mp_sampling_release(&self->sampling);
    mp_object_free(self);
}

/* True, with the exception set, while the thread owns the samples. */
static bool is_busy(struct sampler_object *self)
{
    if (self->sampling.started)
        PyErr_SetString(PyExc_RuntimeError, "the sampler is running: stop it first");
    return self->sampling.started;
}

static PyObject *sampler_start(struct sampler_object *self, PyObject *ignored)
{
    (void)ignored;
    if (is_busy(self) || mp_forks_watch())
        return NULL;
    return mp_sampling_start(&self->sampling) ? PyErr_SetFromErrno(PyExc_OSError)
                                              : Py_NewRef(Py_None);
}

static PyObject *sampler_stop(struct sampler_object *self, PyObject *ignored)
{
    (void)ignored;
    Py_BEGIN_ALLOW_THREADS;
    mp_sampling_stop(&self->sampling);
    Py_END_ALLOW_THREADS;
    Py_RETURN_NONE;
}

static PyObject *row(const struct mp_sample *sample)
{
    return Py_BuildValue("Ld", (long long)sample->bytes, (double)sample->at / 1e9);
}

static PyObject *sampler_sample(struct sampler_object *self, PyObject *ignored)
{
    (void)ignored;
    const struct mp_samples *samples = &self->sampling.samples;
    if (is_busy(self))
        return NULL;
    if (mp_sampling_take(&self->sampling))
        return PyErr_SetFromErrno(PyExc_OSError);
    size_t last = samples->count - 1;
    while (last && samples->rows[last].pid)
        last--;
    return row(&samples->rows[last]);
}

static PyObject *sampler_samples(struct sampler_object *self, PyObject *ignored)
{
    (void)ignored;
    const struct mp_samples *samples = &self->sampling.samples;
    PyObject *list = is_busy(self) ? NULL : PyList_New(0);
    for (size_t i = 0; list && i < samples->count; i++)
        if (!samples->rows[i].pid && mp_list_take(list, row(&samples->rows[i])))
            Py_CLEAR(list);
    return list;
}

/* A list for each tick, so that it can be walked beside samples(). */
static PyObject *sampler_children(struct sampler_object *self, PyObject *ignored)
{
    (void)ignored;
    const struct mp_samples *samples = &self->sampling.samples;
    PyObject *list = is_busy(self) ? NULL : PyList_New(0), *tick = NULL; /* borrowed */
    for (size_t i = 0; list && i < samples->count; i++) {
        const struct mp_sample *sample = &samples->rows[i];
        int failed;
        if (sample->pid) {
            failed = mp_list_take(
                tick, Py_BuildValue("iL", sample->pid, (long long)sample->bytes));
        } else {
            failed = mp_list_take(list, tick = PyList_New(0));
        }
        if (failed)
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *sampler_peak(struct sampler_object *self, void *ignored)
{
    (void)ignored;
    if (is_busy(self))
        return NULL;
    return self->sampling.most.bytes < 0 ? Py_NewRef(Py_None) : row(&self->sampling.most);
}

static PyObject *sampler_work(struct sampler_object *self, PyObject *ignored)
{
    (void)ignored;
    if (is_busy(self))
        return NULL;
    return Py_BuildValue("{sK,sK,sI,si}", "reads",
                         (unsigned long long)self->sampling.meter.reads, "late",
                         (unsigned long long)self->sampling.late, "halvings",
                         self->sampling.samples.halvings, "error", self->sampling.error);
}

static PyMethodDef methods[] = {
    {"start", (PyCFunction)sampler_start, METH_NOARGS,
     "Take a sample and start the thread. OSError: the process or a thread is not to be "
     "had."},
    {"stop", (PyCFunction)sampler_stop, METH_NOARGS,
     "Stop the thread and take a last sample. Never fails; does nothing when not running."},
    {"sample", (PyCFunction)sampler_sample, METH_NOARGS,
     "sample() -> (bytes, unix time), taken now by the caller and kept. OSError."},
    {"samples", (PyCFunction)sampler_samples, METH_NOARGS,
     "samples() -> [(bytes, unix time), ...] so far."},
    {"children", (PyCFunction)sampler_children, METH_NOARGS,
     "children() -> [[(pid, bytes), ...], ...], a list for each of samples()."},
    {"work", (PyCFunction)sampler_work, METH_NOARGS,
     "work() -> {'reads', 'late': deadlines missed, 'halvings', 'error': errno that ended "
     "it}."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef getters[] = {
    {"peak", (getter)sampler_peak, NULL,
     "(bytes, unix time of the sample that saw it): the high-water mark with peak=True, "
     "else\n"
     "the largest sample; None before the first.",
     NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, sampler_new},
    {Py_tp_dealloc, sampler_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_getset, getters},
    {Py_tp_doc,
     "Sampler(interval, pid=0, metric='rss', children=False, each=False, peak=False,\n"
     "        peak_times=False)\n"
     "Samples a process (0: this one) every `interval` seconds in a native thread.\n"
     "children adds the descendants' memory, each keeps a row for each of them, peak\n"
     "takes the high-water mark of RSS in, peak_times notes when it moved."},
    {0, NULL},
};

PyType_Spec mp_sampler_spec = {
    .name = "memory_profiler._core.Sampler",
    .basicsize = sizeof(struct sampler_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
