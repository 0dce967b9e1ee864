/* For a recording that `mprof heap PID` began from outside. */
#include "python/door.h"

#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "capture/process/process.h"
#include "python/heap.h"

/* ns since the process began; 1 where that cannot be had. */
static int64_t age(void)
{
    struct timespec now;
    int64_t ticks = (int64_t)mp_process_start_time(getpid());
    int64_t per_second = sysconf(_SC_CLK_TCK);
    if (clock_gettime(CLOCK_BOOTTIME, &now) || !ticks || per_second <= 0)
        return 1;
    int64_t started =
        ticks / per_second * 1000000000 + ticks % per_second * 1000000000 / per_second;
    int64_t its = now.tv_sec * (int64_t)1000000000 + now.tv_nsec - started;
    return its > 0 ? its : 1;
}

PyObject *mp_heap_object_attached(struct mp_heap_object *self, PyObject *ignored)
{
    (void)ignored;
    if (!self->recording || self->nest)
        return PyErr_Format(PyExc_RuntimeError, "this is no recording that runs");
    self->file.heap.header->attached = age();
    Py_RETURN_NONE;
}

enum { PAGE = 4096 };

static PyObject *unmap(PyObject *ignored, PyObject *address)
{
    unsigned long long page = PyLong_AsUnsignedLongLong(address);
    (void)ignored;
    if (PyErr_Occurred())
        return NULL;
    if (!page || page % PAGE || munmap((void *)(uintptr_t)page, PAGE))
        return PyErr_Format(PyExc_ValueError, "no page is there");
    Py_RETURN_NONE;
}

/* The main thread runs it when it next looks, and has the exception then. */
static int raise_it(void *error)
{
    PyErr_SetObject((PyObject *)Py_TYPE((PyObject *)error), error);
    Py_DECREF((PyObject *)error);
    return -1;
}

static PyObject *raise_later(PyObject *ignored, PyObject *error)
{
    (void)ignored;
    if (!PyExceptionInstance_Check(error))
        return PyErr_Format(PyExc_TypeError, "no exception");
    if (Py_AddPendingCall(raise_it, Py_NewRef(error)))
        Py_DECREF(error);
    Py_RETURN_NONE;
}

PyMethodDef mp_attach_methods[] = {
    {"heap_unmap", unmap, METH_O, "heap_unmap(page): give back one page, at this address."},
    {"raise_later", raise_later, METH_O,
     "raise_later(error): the main thread raises it where it is by then."},
    {NULL, NULL, 0, NULL},
};
