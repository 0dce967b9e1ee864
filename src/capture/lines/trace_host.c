/* The hooks of CPython 3.11 that line tracing holds while code is traced: the evaluation function
 * and the C function behind sys.settrace().
 */
#include "capture/lines/trace_host.h"

#include <stdbool.h>
#include <string.h>

#include "capture/lines/trace_events.h"

_PyFrameEvalFunction mp_host_next = _PyEval_EvalFrameDefault;

static size_t codes;       /* traced code objects */
static unsigned suspended; /* threads that run deep */
static bool linked;        /* the interpreter, or a tool above us, calls evaluate() */
static _PyFrameEvalFunction evaluate; /* ours */

/* --- the evaluation function --- */

static bool holds(PyInterpreterState *state)
{
    return _PyInterpreterState_GetEvalFrameFunc(state) == evaluate;
}

static void occupy(PyInterpreterState *state)
{
    _PyFrameEvalFunction present = _PyInterpreterState_GetEvalFrameFunc(state);
    if (linked && present != _PyEval_EvalFrameDefault)
        return;
    mp_host_next = present;
    _PyInterpreterState_SetEvalFrameFunc(state, evaluate);
    linked = true;
}

/* A tool that put its function over ours goes on calling ours. */
static void vacate(PyInterpreterState *state)
{
    if (!holds(state))
        return;
    _PyInterpreterState_SetEvalFrameFunc(state, mp_host_next);
    linked = false;
}

/* --- sys.settrace(): called right in a traced frame, it would take our place unseen --- */

static PyMethodDef *settrace_definition;
static PyCFunction settrace_original;

static PyObject *settrace(PyObject *module, PyObject *function)
{
    PyObject *result = settrace_original(module, function);
    mp_events_reclaim(PyThreadState_Get());
    return result;
}

/* Code that replaced sys.settrace by its own function is left alone. */
static void wrap_settrace(void)
{
    PyObject *function = PySys_GetObject("settrace"); /* borrowed */
    if (settrace_definition || !function || !PyCFunction_CheckExact(function))
        return;
    PyMethodDef *definition = ((PyCFunctionObject *)function)->m_ml;
    if (definition->ml_flags != METH_O || strcmp(definition->ml_name, "settrace"))
        return;
    settrace_original = definition->ml_meth;
    settrace_definition = definition;
    definition->ml_meth = settrace;
}

static void unwrap_settrace(void)
{
    if (settrace_definition && settrace_definition->ml_meth == settrace)
        settrace_definition->ml_meth = settrace_original;
    settrace_definition = NULL;
}

void mp_host_install(_PyFrameEvalFunction ours)
{
    evaluate = ours;
    if (codes++)
        return;
    wrap_settrace();
    if (!suspended)
        occupy(PyInterpreterState_Get());
}

void mp_host_remove(void)
{
    if (--codes)
        return;
    unwrap_settrace();
    if (!suspended)
        vacate(PyInterpreterState_Get());
}

/* --- deep recursion --- */

void mp_host_suspend(void)
{
    if (!suspended++)
        vacate(PyInterpreterState_Get());
}

void mp_host_resume(void)
{
    if (!--suspended && codes)
        occupy(PyInterpreterState_Get());
}
