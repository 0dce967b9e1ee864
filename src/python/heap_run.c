/* Which run of `mprof heap` this process belongs to; marks in its capture. */
#include "python/door.h"
#include "python/heap.h"

#include <stdlib.h>

#include "store/heap/run.h"

/* Whoever starts a program with more rights than their own may not say where it writes. */
static PyObject *notice(PyObject *ignored, PyObject *nothing)
{
    const char *text = secure_getenv("MPROF_HEAP");
    (void)ignored, (void)nothing;
    return text ? PyUnicode_DecodeFSDefault(text) : Py_NewRef(Py_None);
}

static PyObject *owner(PyObject *ignored, PyObject *path)
{
    PyObject *bytes;
    struct mp_heap_owner found;
    (void)ignored;
    if (!PyUnicode_FSConverter(path, &bytes))
        return NULL;
    int failed = mp_heap_run_owner(PyBytes_AS_STRING(bytes), &found);
    Py_DECREF(bytes);
    if (failed)
        Py_RETURN_NONE;
    return Py_BuildValue("KLOO", (unsigned long long)found.run, (long long)found.pid,
                         found.followed ? Py_True : Py_False,
                         found.closed ? Py_True : Py_False);
}

static PyObject *mark(PyObject *ignored, PyObject *args)
{
    PyObject *name;
    int types;
    (void)ignored;
    if (!PyArg_ParseTuple(args, "Si", &name, &types))
        return NULL;
    bool is_marked = mp_hooks_mark(PyBytes_AS_STRING(name), (size_t)PyBytes_GET_SIZE(name));
    if (is_marked)
        mp_heap_object_mark_types((enum mp_heap_types)types);
    return PyBool_FromLong(is_marked);
}

PyMethodDef mp_heap_run_methods[] = {
    {"heap_notice", notice, METH_NOARGS,
     "heap_notice() -> what the environment says of the run this process belongs to, or None."},
    {"heap_owner", owner, METH_O,
     "heap_owner(path) -> (run, pid, whether children record, whether it is closed) of a\n"
     "capture, or None."},
    {"heap_mark", mark, METH_VARARGS,
     "heap_mark(name, types) -> whether the capture being recorded has a mark of these bytes now; types: what\n"
     "the blocks are is counted beside it, 0: where the recording counts types, 1: yes, 2: no."},
    {NULL, NULL, 0, NULL},
};
