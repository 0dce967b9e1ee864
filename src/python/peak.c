/* memory_profiler._core.Peak: an interval in which the process's high-water mark is watched. */
#include "python/door.h"

#include "capture/process/peak.h"
#include "python/values.h"

struct peak_object {
    PyObject_HEAD bool open;
    int64_t start;
    struct mp_peak peak;
};

static PyObject *peak_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {NULL};
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "", names))
        return NULL;
    struct peak_object *self = (struct peak_object *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    mp_peak_begin(&self->peak, -1);
    self->start = self->peak.bytes;
    self->open = true;
    return (PyObject *)self;
}

/* The owner counts open intervals: one that nobody ended must not stay open. */
static void peak_dealloc(struct peak_object *self)
{
    if (self->open)
        mp_peak_end(&self->peak, 0);
    mp_object_free(self);
}

static bool is_closed(struct peak_object *self)
{
    if (!self->open)
        PyErr_SetString(PyExc_RuntimeError, "this peak has ended: make another");
    return !self->open;
}

static PyObject *peak_read(struct peak_object *self, PyObject *ignored)
{
    (void)ignored;
    return is_closed(self) ? NULL : PyLong_FromLongLong(mp_peak_read(&self->peak, -1));
}

static PyObject *peak_end(struct peak_object *self, PyObject *ignored)
{
    (void)ignored;
    if (is_closed(self))
        return NULL;
    self->open = false;
    return PyLong_FromLongLong(mp_peak_end(&self->peak, -1));
}

static PyObject *peak_start(struct peak_object *self, void *ignored)
{
    (void)ignored;
    return PyLong_FromLongLong(self->start);
}

static PyMethodDef methods[] = {
    {"read", (PyCFunction)peak_read, METH_NOARGS,
     "read() -> the largest RSS so far, bytes; the interval stays open."},
    {"end", (PyCFunction)peak_end, METH_NOARGS,
     "end() -> the same, and closes the interval. RuntimeError when it is closed."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef getters[] = {
    {"start", (getter)peak_start, NULL, "RSS when it opened, bytes.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, peak_new},
    {Py_tp_dealloc, peak_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_getset, getters},
    {Py_tp_doc, "Peak(): opens an interval; end() says the largest RSS of this process\n"
                "meanwhile, between readings too. Intervals may nest and overlap."},
    {0, NULL},
};

PyType_Spec mp_peak_spec = {
    .name = "memory_profiler._core.Peak",
    .basicsize = sizeof(struct peak_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
