#include "python/values.h"

#include <stdlib.h>

#include "capture/heap/python/lines.h"
#include "capture/lines/trace_compat.h"
#include "capture/lines/trace_levels.h"

void mp_object_free(void *self)
{
    PyTypeObject *type = Py_TYPE((PyObject *)self);
    type->tp_free(self);
    Py_DECREF(type);
}

PyObject *mp_lose(const char *what)
{
    bool aside = mp_hooks_set_aside(true);
    PyObject *error = PyErr_GetRaisedException(), *result = NULL;
    mp_levels_give(MP_LEVELS_OWN);
    PyObject *lost = PyImport_ImportModule("memory_profiler._lost");
    if (lost)
        result = PyObject_CallMethod(lost, "lose", "sO", what, error);
    mp_levels_give(-MP_LEVELS_OWN);
    Py_XDECREF(lost);
    Py_XDECREF(error);
    mp_hooks_set_aside(aside);
    return result;
}

int mp_list_take(PyObject *list, PyObject *item)
{
    int failed = item ? PyList_Append(list, item) : -1;
    Py_XDECREF(item);
    return failed;
}

int mp_written_open(struct mp_written *written)
{
    *written = (struct mp_written){0};
    written->out = open_memstream(&written->text, &written->length);
    if (!written->out)
        PyErr_NoMemory();
    return written->out ? 0 : -1;
}

PyObject *mp_written_close(struct mp_written *written, int failed, const char *errors)
{
    PyObject *result = NULL;
    if (fclose(written->out) || failed)
        PyErr_NoMemory();
    else
        result = PyUnicode_DecodeUTF8(written->text, (Py_ssize_t)written->length, errors);
    free(written->text);
    return result;
}
