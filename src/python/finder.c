/* What lets one name through to Python code: a finder of imports that is asked about every module
   and has an answer for one of them is no Python function that a program's tracer could see. */
#include "python/door.h"

/* (name, path, target) as the import system calls it; `self` is (the name, who is asked). */
static PyObject *ask(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    PyObject *name = PyTuple_GET_ITEM(self, 0);
    if (count < 1 || !PyUnicode_Check(args[0]) || PyUnicode_Compare(args[0], name))
        Py_RETURN_NONE;
    return PyObject_Vectorcall(PyTuple_GET_ITEM(self, 1), args, (size_t)count, NULL);
}

static PyMethodDef find_spec = {"find_spec", (PyCFunction)ask, METH_FASTCALL, NULL};

static PyObject *only_for(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *name, *call;
    if (!PyArg_ParseTuple(args, "UO", &name, &call))
        return NULL;
    return PyCFunction_New(&find_spec, args);
}

PyMethodDef mp_finder_methods[] = {
    {"only_for", only_for, METH_VARARGS,
     "only_for(name, call) -> a function that is call for arguments that begin with `name`,\n"
     "and else returns None without running any Python code."},
    {NULL, NULL, 0, NULL},
};
