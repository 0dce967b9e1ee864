#include "python/forks.h"

#include <stdbool.h>
#include <unistd.h>

#include "capture/timeline/sampling_thread.h"

static PyObject *around; /* owned: list of (before, after) callables */

/* The frame that forks and the instruction it stands at; owned, NULL when nobody forks. */
static PyFrameObject *fork_frame;
static int fork_instruction;

static void note_frame(void)
{
    Py_XSETREF(fork_frame, PyThreadState_GetFrame(PyThreadState_Get()));
    fork_instruction = fork_frame ? PyFrame_GetLasti(fork_frame) : -1;
}

static bool is_below(PyFrameObject *top, PyFrameObject *wanted)
{
    bool found = false;
    PyFrameObject *frame = top ? PyFrame_GetBack(top) : NULL;
    while (frame && !found) {
        found = frame == wanted;
        PyFrameObject *back = PyFrame_GetBack(frame);
        Py_DECREF(frame);
        frame = back;
    }
    Py_XDECREF(frame);
    return found;
}

/* True while the call of os.fork() has not returned: some other hook runs above its frame. */
static bool is_forking(void)
{
    if (!fork_frame || PyFrame_GetLasti(fork_frame) != fork_instruction)
        return false;
    PyFrameObject *top = PyThreadState_GetFrame(PyThreadState_Get());
    bool above = is_below(top, fork_frame);
    Py_XDECREF(top);
    return above;
}

/* Calls item `which` of every pair; what goes wrong is shown as Python shows it in hooks. */
static void call_all(Py_ssize_t which)
{
    for (Py_ssize_t i = 0; around && i < PyList_GET_SIZE(around); i++) {
        PyObject *call = PyTuple_GET_ITEM(PyList_GET_ITEM(around, i), which);
        PyObject *result = PyObject_CallNoArgs(call);
        if (!result)
            PyErr_WriteUnraisable(call);
        Py_XDECREF(result);
    }
}

static PyObject *before_fork(PyObject *module, PyObject *ignored)
{
    (void)module, (void)ignored;
    note_frame();
    call_all(0);
    Py_BEGIN_ALLOW_THREADS;
    mp_sampling_hold();
    Py_END_ALLOW_THREADS;
    Py_RETURN_NONE;
}

static int resume(void *ignored)
{
    (void)ignored;
    if (is_forking() && !Py_AddPendingCall(resume, NULL))
        return 0;
    Py_CLEAR(fork_frame);
    mp_sampling_resume();
    call_all(1);
    return 0;
}

/* A thread other than the main one is counted anyway and need not wait for the main one. */
static PyObject *after_fork(PyObject *module, PyObject *ignored)
{
    (void)module, (void)ignored;
    if (gettid() != getpid())
        Py_CLEAR(fork_frame);
    if (!fork_frame || Py_AddPendingCall(resume, NULL))
        resume(NULL);
    Py_RETURN_NONE;
}

static PyMethodDef before_method = {"_before_fork", before_fork, METH_NOARGS, NULL};
static PyMethodDef after_method = {"_after_fork", after_fork, METH_NOARGS, NULL};

/* A child needs no hook: its core forgets the threads by itself. */
static PyObject *register_hooks(void)
{
    PyObject *os = PyImport_ImportModule("os");
    PyObject *call = os ? PyObject_GetAttrString(os, "register_at_fork") : NULL;
    PyObject *none = PyTuple_New(0);
    PyObject *hooks =
        Py_BuildValue("{sNsN}", "before", PyCFunction_New(&before_method, NULL),
                      "after_in_parent", PyCFunction_New(&after_method, NULL));
    PyObject *done = call && none && hooks ? PyObject_Call(call, none, hooks) : NULL;
    Py_XDECREF(hooks);
    Py_XDECREF(none);
    Py_XDECREF(call);
    Py_XDECREF(os);
    return done;
}

int mp_forks_watch(void)
{
    static bool watching;
    if (watching)
        return 0;
    PyObject *done = register_hooks();
    watching = done != NULL;
    Py_XDECREF(done);
    return watching ? 0 : -1;
}

static PyObject *around_fork(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *before, *after;
    if (!PyArg_ParseTuple(args, "OO", &before, &after) || mp_forks_watch())
        return NULL;
    if (!around)
        around = PyList_New(0);
    return around && !PyList_Append(around, args) ? Py_NewRef(Py_None) : NULL;
}

PyMethodDef mp_forks_methods[] = {
    {"around_fork", around_fork, METH_VARARGS,
     "around_fork(before, after): call before() before each fork that Python makes and after()\n"
     "in the parent once the forking call has returned. For threads that must not be counted."},
    {NULL, NULL, 0, NULL},
};
