#include "capture/lines/trace_code.h"

#include <stdlib.h>

#include "capture/heap/python/lines.h"
#include "capture/lines/trace.h"
#include "capture/lines/trace_compat.h"

static Py_ssize_t notes_index = -1;

struct mp_code_notes *mp_code_notes_peek(PyObject *code)
{
    void *notes = NULL;
    if (notes_index < 0 || PyUnstable_Code_GetExtra(code, notes_index, &notes))
        return NULL;
    return notes;
}

struct mp_code_notes *mp_code_notes(PyObject *code)
{
    if (notes_index < 0)
        notes_index = PyUnstable_Eval_RequestCodeExtraIndex(free);
    struct mp_code_notes *notes = mp_code_notes_peek(code);
    if (notes || notes_index < 0)
        return notes;
    size_t units = (size_t)Py_SIZE(code) + 1;
    notes = calloc(1, sizeof *notes + units);
    if (!notes)
        return NULL;
    *notes = (struct mp_code_notes){.last = -1, .resume_offset = -1, .units = units};
    bool aside = mp_hooks_set_aside(true);
    int failed = PyUnstable_Code_SetExtra(code, notes_index, notes);
    mp_hooks_set_aside(aside);
    if (failed) {
        free(notes);
        PyErr_Clear();
        return NULL;
    }
    return notes;
}

/* Widens the span by the lines of co_lines(): (start, end, line or None) triples. */
static int widen(PyObject *code, int *first, int *last)
{
    PyObject *lines = PyObject_CallMethod(code, "co_lines", NULL);
    PyObject *iterator = lines ? PyObject_GetIter(lines) : NULL;
    Py_XDECREF(lines);
    if (!iterator)
        return -1;
    for (PyObject *item; (item = PyIter_Next(iterator)); Py_DECREF(item)) {
        PyObject *number = PyTuple_GET_ITEM(item, 2);
        if (number == Py_None)
            continue;
        int line = (int)PyLong_AsLong(number);
        *first = line < *first ? line : *first;
        *last = line > *last ? line : *last;
    }
    Py_DECREF(iterator);
    return PyErr_Occurred() ? -1 : 0;
}

int mp_trace_entry(const PyCodeObject *code)
{
    if (code->co_flags & CO_OPTIMIZED) /* a function */
        return code->co_firstlineno;
    bool module = PyUnicode_CompareWithASCIIString(code->co_name, "<module>") == 0;
    return module ? 0 : code->co_firstlineno;
}

int mp_trace_span(PyCodeObject *code, int *first, int *last)
{
    struct mp_code_notes *notes = mp_code_notes((PyObject *)code);
    if (notes && notes->first <= notes->last) {
        *first = notes->first;
        *last = notes->last;
        return 0;
    }
    *first = mp_trace_entry(code);
    *last = code->co_firstlineno;
    if (widen((PyObject *)code, first, last))
        return -1;
    PyObject *constants = code->co_consts;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(constants); i++) {
        PyObject *inner = PyTuple_GET_ITEM(constants, i);
        int start, end;
        if (!PyCode_Check(inner))
            continue;
        if (mp_trace_span((PyCodeObject *)inner, &start, &end))
            return -1;
        *first = start < *first ? start : *first;
        *last = end > *last ? end : *last;
    }
    if (notes) {
        notes->first = *first;
        notes->last = *last;
    }
    return 0;
}
