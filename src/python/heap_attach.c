/* For a recording that `mprof heap PID` began from outside. */
#include "python/door.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hex.h"
#include "capture/lines/trace_compat.h"
#include "capture/process/process.h"
#include "python/heap.h"
#include "record/attach_request.h"

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

PyObject *mp_heap_object_attached(struct mp_heap_object *self, PyObject *by_mprof)
{
    if (self->opened)
        return PyErr_Format(PyExc_RuntimeError, "this tracker was started before");
    self->attached = age();
    self->by_mprof = by_mprof == Py_True;
    Py_RETURN_NONE;
}

enum { PAGE = 4096, LONGEST_NAME = 1 << 12 };

#define RUN_MODULE "memory_profiler._attach.run"

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

static void leave_to_main(PyObject *error)
{
    if (Py_AddPendingCall(raise_it, Py_NewRef(error)))
        Py_DECREF(error);
}

static PyObject *raise_later(PyObject *ignored, PyObject *error)
{
    (void)ignored;
    if (!PyExceptionInstance_Check(error))
        return PyErr_Format(PyExc_TypeError, "no exception");
    leave_to_main(error);
    Py_RETURN_NONE;
}

/* The bytes that a text names in hexadecimal digits; NULL: it names none. */
static PyObject *asked_file(const char *text)
{
    const char *at = strstr(text, MP_ASKED_FILE);
    char name[LONGEST_NAME];
    Py_ssize_t length = 0;
    at = at ? at + strlen(MP_ASKED_FILE) : "";
    for (int high, low; length < LONGEST_NAME; at += 2) {
        high = mp_hex_digit(*at);
        low = high < 0 ? -1 : mp_hex_digit(at[1]);
        if (low < 0)
            break;
        name[length++] = (char)(high << 4 | low);
    }
    return *at == '\'' ? PyBytes_FromStringAndSize(name, length) : NULL;
}

static unsigned long long asked_page(const char *text)
{
    const char *at = strstr(text, MP_ASKED_PAGE);
    return at ? strtoull(at + strlen(MP_ASKED_PAGE), NULL, 10) : 0;
}

/* What mprof has a thread run in place of PyRun_SimpleString(), with the same text: there is nothing to
   compile, and nothing that the parser takes. Borrows the module. */
__attribute__((visibility("default"))) int mp_attach_run(const char *text);
int mp_attach_run(const char *text)
{
    PyObject *run = PyDict_GetItemString(PyImport_GetModuleDict(), RUN_MODULE);
    PyObject *main = run ? PyObject_GetAttrString(run, "main_of") : NULL;
    PyObject *file = main ? asked_file(text) : NULL;
    if (!file) { /* it is not there yet, or not whole */
        PyErr_Clear();
        Py_XDECREF(main);
        return PyRun_SimpleString(text);
    }
    PyObject *done = PyObject_CallFunction(main, "OK", file, asked_page(text));
    PyObject *raised = done ? NULL : PyErr_GetRaisedException();
    if (raised && !PyErr_GivenExceptionMatches(raised, PyExc_Exception))
        leave_to_main(raised); /* Ctrl-C, before main_of() looked out for it */
    Py_XDECREF(raised);
    Py_XDECREF(done);
    Py_DECREF(file);
    Py_DECREF(main);
    return 0;
}

PyMethodDef mp_attach_methods[] = {
    {"heap_unmap", unmap, METH_O, "heap_unmap(page): give back one page, at this address."},
    {"raise_later", raise_later, METH_O,
     "raise_later(error): the main thread raises it where it is by then."},
    {NULL, NULL, 0, NULL},
};
