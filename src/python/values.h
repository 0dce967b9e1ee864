/* What objects and functions of the door do alike: lists and texts for Python, the end of an object. */
#ifndef MP_PYTHON_VALUES_H
#define MP_PYTHON_VALUES_H

#include <Python.h>

#include <stdio.h>

/* Frees an object of a type of ours, whose own parts were released. */
void mp_object_free(void *self);

/* An error of ours, which is raised, costs the measurement, not the program: it is counted, under `what` in
   the plural. None, owned; NULL: it is not ours, and stays raised. */
PyObject *mp_lose(const char *what);

/* Adds an item and takes over the reference to it; NULL: an exception is set. 0, or -1. */
int mp_list_take(PyObject *list, PyObject *item);

/* A text that a renderer writes. */
struct mp_written {
    FILE *out;
    char *text; /* owned */
    size_t length;
};

/* 0, or -1 with MemoryError: then there is nothing to close. */
int mp_written_open(struct mp_written *);

/* Closes it; the text as Python's, what is not UTF-8 as `errors` says. NULL with MemoryError, also when
   the renderer failed. */
PyObject *mp_written_close(struct mp_written *, int failed, const char *errors);

#endif
