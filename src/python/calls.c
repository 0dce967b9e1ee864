/* memory_profiler._core.Calls: function records in the file of `mprof run`. */
#include "python/door.h"

#include <stdlib.h>

#include "base/escape.h"
#include "python/values.h"
#include "store/dat/calls.h"

struct calls_object {
    PyObject_HEAD struct mp_calls calls;
};

/* One open call and the name that its record borrows. */
struct open_call {
    struct mp_call call;
    PyObject *name; /* bytes, owned */
};

static const char capsule_name[] = "memory_profiler._core.Call";

static void release_call(PyObject *capsule)
{
    struct open_call *open = PyCapsule_GetPointer(capsule, capsule_name);
    Py_XDECREF(open->name);
    free(open);
}

static PyObject *calls_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    (void)args, (void)keywords;
    struct calls_object *self = (struct calls_object *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    if (mp_calls_open(&self->calls)) {
        PyErr_SetFromErrno(PyExc_OSError);
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static void calls_dealloc(struct calls_object *self)
{
    mp_calls_release(&self->calls);
    mp_object_free(self);
}

static PyObject *calls_enter(struct calls_object *self, PyObject *args)
{
    PyObject *name;
    int level;
    long long memory;
    if (!PyArg_ParseTuple(args, "UiL", &name, &level, &memory))
        return NULL;
    struct open_call *open = calloc(1, sizeof *open);
    if (!open)
        return PyErr_NoMemory();
    PyObject *capsule = PyCapsule_New(open, capsule_name, release_call);
    if (!capsule) {
        free(open);
        return NULL;
    }
    open->name = PyUnicode_AsEncodedString(name, "utf-8", "surrogatepass");
    if (!open->name) {
        Py_DECREF(capsule);
        return NULL;
    }
    mp_calls_enter(&self->calls, &open->call, PyBytes_AS_STRING(open->name),
                   (size_t)PyBytes_GET_SIZE(open->name), level, memory);
    return capsule;
}

static PyObject *calls_leave(struct calls_object *self, PyObject *args)
{
    PyObject *capsule;
    long long memory;
    if (!PyArg_ParseTuple(args, "OL", &capsule, &memory))
        return NULL;
    struct open_call *open = PyCapsule_GetPointer(capsule, capsule_name);
    if (!open)
        return NULL;
    mp_calls_leave(&self->calls, &open->call, memory);
    if (!open->call.lost)
        Py_RETURN_NONE;
    return Py_BuildValue("ii", open->call.lost, open->call.error);
}

static PyObject *calls_lose(struct calls_object *self, PyObject *args)
{
    unsigned records;
    int error;
    if (!PyArg_ParseTuple(args, "Ii", &records, &error))
        return NULL;
    return PyBool_FromLong(mp_calls_lose(&self->calls, records, error));
}

static PyMethodDef methods[] = {
    {"enter", (PyCFunction)calls_enter, METH_VARARGS,
     "enter(name, level, memory) -> call. Records that a function began, with bytes then."},
    {"leave", (PyCFunction)calls_leave, METH_VARARGS,
     "leave(call, memory): records its end. None, or how many of the call's records could not\n"
     "be written, and the errno, where mprof does not count them."},
    {"lose", (PyCFunction)calls_lose, METH_VARARGS,
     "lose(records, errno) -> whether mprof counts them as lost."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, calls_new},
    {Py_tp_dealloc, calls_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_doc,
     "Calls(): the run's file. OSError when this process is not under mprof run."},
    {0, NULL},
};

PyType_Spec mp_calls_spec = {
    .name = "memory_profiler._core.Calls",
    .basicsize = sizeof(struct calls_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};

static PyObject *record_name(PyObject *module, PyObject *arg)
{
    (void)module;
    char text[2048];
    PyObject *bytes = PyUnicode_Check(arg)
                          ? PyUnicode_AsEncodedString(arg, "utf-8", "surrogatepass")
                          : PyErr_Format(PyExc_TypeError, "not a string: %R", arg);
    if (!bytes)
        return NULL;
    size_t length = mp_escape_record(text, sizeof text, PyBytes_AS_STRING(bytes),
                                     (size_t)PyBytes_GET_SIZE(bytes), false);
    Py_DECREF(bytes);
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)length, NULL);
}

PyMethodDef mp_calls_methods[] = {
    {"record_name", record_name, METH_O,
     "record_name(name) -> the name as one field of a .dat record: blanks, controls and\n"
     "backslashes as \\xNN."},
    {NULL, NULL, 0, NULL},
};
