/* Names of the C API that came with CPython 3.12, for 3.11. */
#ifndef MP_CAPTURE_LINES_TRACE_COMPAT_H
#define MP_CAPTURE_LINES_TRACE_COMPAT_H

#include <Python.h>

#if PY_VERSION_HEX < 0x030C0000

#define PyUnstable_Eval_RequestCodeExtraIndex _PyEval_RequestCodeExtraIndex
#define PyUnstable_Code_GetExtra _PyCode_GetExtra
#define PyUnstable_Code_SetExtra _PyCode_SetExtra

static inline PyObject *PyErr_GetRaisedException(void)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (!type)
        return NULL;
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback)
        PyException_SetTraceback(value, traceback);
    Py_DECREF(type);
    Py_XDECREF(traceback);
    return value;
}

/* Takes over the reference; NULL clears. */
static inline void PyErr_SetRaisedException(PyObject *raised)
{
    PyObject *type = raised ? Py_NewRef(Py_TYPE(raised)) : NULL;
    PyErr_Restore(type, raised, raised ? PyException_GetTraceback(raised) : NULL);
}

#endif
#endif
