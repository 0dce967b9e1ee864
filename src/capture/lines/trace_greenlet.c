/* Greenlets: a greenlet goes on with the trace switch of the one it came from, so a traced frame
 * would lose its events when it switches by itself. While a traced frame is open, greenlet tells
 * us of its thread's switches, through the function that greenlet.settrace() sets; the program's
 * own is called after ours. About 100 ns a switch.
 */
#include "capture/lines/trace_greenlet.h"

#include "capture/lines/trace_events.h"

static __thread PyObject
    *previous; /* owned: the program's function, or None; NULL: not set */

/* Called in the greenlet that goes on, with the trace switch off for the time of the call. */
static PyObject *switched(PyObject *module, PyObject *event)
{
    (void)module;
    mp_events_reclaim(PyThreadState_Get());
    if (!previous || previous == Py_None)
        Py_RETURN_NONE;
    return PyObject_Call(previous, event, NULL);
}

static PyObject *callback(void)
{
    static PyMethodDef definition = {"memory_profiler", switched, METH_VARARGS, NULL};
    static PyObject *function;
    if (!function)
        function = PyCFunction_New(&definition, NULL);
    return function;
}

/* Borrowed; NULL, without an exception, while the program has not imported it, and while the
   interpreter ends: asked for its modules then, it aborts when they are gone. Generators that
   are closed by its last collection run traced code. */
static PyObject *greenlet_module(void)
{
    static PyObject *name;
    if (_Py_IsFinalizing())
        return NULL;
    if (!name)
        name = PyUnicode_InternFromString("greenlet");
    return name ? PyDict_GetItem(PyImport_GetModuleDict(), name) : NULL;
}

static void watch(PyObject *module)
{
    PyObject *function = callback();
    if (!previous && function)
        previous = PyObject_CallMethod(module, "settrace", "O", function);
}

static void unwatch(PyObject *module)
{
    PyObject *present = previous ? PyObject_CallMethod(module, "gettrace", NULL) : NULL;
    if (present && present == callback()) /* else the program put its own over ours */
        Py_XDECREF(PyObject_CallMethod(module, "settrace", "O", previous));
    Py_XDECREF(present);
    Py_CLEAR(previous);
}

static void quietly(void (*act)(PyObject *module))
{
    PyObject *type, *value, *traceback;
    PyObject *module = greenlet_module();
    if (!module)
        return;
    PyErr_Fetch(&type, &value, &traceback);
    act(module);
    PyErr_Restore(type, value, traceback);
}

void mp_greenlet_watch(void)
{
    quietly(watch);
}

void mp_greenlet_unwatch(void)
{
    quietly(unwatch);
}
