/* The hooks of CPython 3.11 that line tracing holds while code is traced: the evaluation function
 * and the C function behind sys.settrace().
 */
#include <stdbool.h>
#include <string.h>

#include "base/stack.h"
#include "capture/activation.h"
#include "capture/trace_eval.h"

_PyFrameEvalFunction mp_host_next = _PyEval_EvalFrameDefault;

static size_t codes;       /* traced code objects */
static unsigned suspended; /* threads that run deep */
static bool linked; /* the interpreter, or a tool above us, calls mp_host_evaluate() */

/* --- the evaluation function --- */

static bool holds(PyInterpreterState *state)
{
    return _PyInterpreterState_GetEvalFrameFunc(state) == mp_host_evaluate;
}

static void occupy(PyInterpreterState *state)
{
    _PyFrameEvalFunction present = _PyInterpreterState_GetEvalFrameFunc(state);
    if (linked && present != _PyEval_EvalFrameDefault)
        return;
    mp_host_next = present;
    _PyInterpreterState_SetEvalFrameFunc(state, mp_host_evaluate);
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
    mp_host_reclaim(PyThreadState_Get());
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

void mp_host_install(void)
{
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

int mp_host_refuse(void)
{
    PyErr_SetString(PyExc_RecursionError,
                    "maximum recursion depth exceeded: the C stack is used up");
    return -1;
}

static PyObject *run_inline(PyThreadState *thread, struct _PyInterpreterFrame *frame,
                            int throw)
{
    PyInterpreterState *state = thread->interp;
    if (!suspended++)
        vacate(state);
    PyObject *result = mp_host_run(thread, frame, throw);
    if (!--suspended && codes)
        occupy(state);
    return result;
}

PyObject *mp_host_run_deep(PyThreadState *thread, struct _PyInterpreterFrame *frame,
                           int throw)
{
    if (mp_stack_is_out(MP_STACK_HERE)) {
        mp_host_refuse();
        return NULL;
    }
    if (mp_host.deep || mp_host_next != _PyEval_EvalFrameDefault)
        return mp_host_run(thread, frame, throw); /* not ours to switch off */
    mp_host.deep++;
    mp_host.open++;
    PyObject *result = run_inline(thread, frame, throw);
    mp_host.open--;
    mp_host.deep--;
    return result;
}
