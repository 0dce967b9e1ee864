/* memory_profiler._core.Block: what a `with` statement measures in the frame that runs it. In C,
   so that this frame is the one that runs. */
#include "python/door.h"

#include "capture/heap/python/lines.h"
#include "capture/lines/block.h"
#include "capture/lines/frame.h"
#include "capture/lines/trace.h"
#include "capture/lines/trace_compat.h"
#include "capture/lines/trace_levels.h"
#include "python/values.h"

/* Calls a method of the subclass with the running frame's code and where it is; `thing`: what
   came back from _begin(), for _end(). What it allocates is on no line, its frames are no levels. */
static PyObject *call(PyObject *self, const char *method, PyObject *thing)
{
    bool aside = mp_hooks_set_aside(true);
    PyFrameObject *frame = PyThreadState_GetFrame(PyThreadState_Get());
    if (!frame) { /* called by no Python code */
        mp_hooks_set_aside(aside);
        Py_RETURN_NONE;
    }
    PyCodeObject *code = PyFrame_GetCode(frame);
    PyObject *result;
    mp_levels_give(MP_LEVELS_OWN);
    if (thing)
        result = PyObject_CallMethod(self, method, "OO", code, thing);
    else
        result = PyObject_CallMethod(self, method, "ONi", code, PyFrame_GetGlobals(frame),
                                     PyFrame_GetLineNumber(frame));
    mp_levels_give(-MP_LEVELS_OWN);
    Py_DECREF(code);
    Py_DECREF(frame);
    mp_hooks_set_aside(aside);
    return result;
}

/* Takes over the reference to what _begin() returned. */
static int open_block(PyObject *self, PyObject *thing)
{
    struct mp_thread *thread = mp_thread_self();
    struct mp_tracer *tracer = mp_tracer_in(thing);
    struct mp_block *block =
        thread ? mp_block_open(thread, mp_frame_current(), self, tracer) : NULL;
    if (!block) {
        PyObject *undone = call(self, "_end", thing);
        Py_DECREF(thing);
        if (undone)
            PyErr_NoMemory();
        Py_XDECREF(undone);
        return -1;
    }
    block->door = thing;
    if (tracer)
        mp_trace_block_opened();
    return 0;
}

static PyObject *block_enter(PyObject *self, PyObject *ignored)
{
    (void)ignored;
    PyObject *thing = call(self, "_begin", NULL);
    if (thing == Py_None) {
        Py_DECREF(thing);
        return Py_NewRef(self);
    }
    if (thing && !open_block(self, thing))
        return Py_NewRef(self);
    PyObject *counted = mp_lose("blocks");
    if (!counted)
        return NULL;
    Py_DECREF(counted);
    return Py_NewRef(self);
}

static PyObject *block_exit(PyObject *self, PyObject *args)
{
    (void)args;
    struct mp_block *block = mp_block_find(mp_frame_current(), self);
    if (!block)
        Py_RETURN_NONE;
    PyObject *thing = block->door;
    bool traced = block->tracer != NULL;
    mp_block_close(mp_thread_self(), block);
    if (traced)
        mp_trace_block_closed();
    PyObject *result = call(self, "_end", thing);
    Py_DECREF(thing);
    if (!result && !(result = mp_lose("blocks")))
        return NULL;
    Py_DECREF(result);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"__enter__", block_enter, METH_NOARGS,
     "Calls _begin(code, globals, line) of the frame; a Tracer that comes back counts the\n"
     "frame's lines from here on, None means that there is nothing to do."},
    {"__exit__", block_exit, METH_VARARGS, "Calls _end(code, what _begin returned)."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_methods, methods},
    {Py_tp_dealloc, mp_object_free},
    {Py_tp_doc,
     "A context manager that measures the frame it is used in; to be derived from."},
    {0, NULL},
};

PyType_Spec mp_block_spec = {
    .name = "memory_profiler._core.Block",
    .basicsize = sizeof(PyObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = slots,
};
