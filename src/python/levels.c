/* Levels of the recursion limit (capture/lines/trace_levels.h) for the wrappers of decorated functions,
   and the awaitable with which they run generators and coroutines piece by piece. */
#include "python/door.h"

#include "base/stack.h"
#include "capture/lines/trace_compat.h"
#include "capture/lines/trace_levels.h"
#include "python/values.h"

/* Runs Python code of ours. */
static PyObject *call_own(PyObject *function, PyObject *const *args, size_t count,
                          PyObject *names)
{
    mp_levels_give(MP_LEVELS_OWN);
    PyObject *result = PyObject_Vectorcall(function, args, count, names);
    mp_levels_give(-MP_LEVELS_OWN);
    return result;
}

/* What the plain program runs in one C frame may need C stack here, which the interpreter watches
   by counting calls, and 3.11 not at all. */
static bool is_out_of_stack(void)
{
    if (!mp_stack_is_out(MP_STACK_HERE))
        return false;
    PyErr_SetString(PyExc_RecursionError,
                    "maximum recursion depth exceeded: the C stack is used up");
    return true;
}

static PyObject *levels(PyObject *module, PyObject *const *args, Py_ssize_t given,
                        PyObject *names)
{
    (void)module;
    int count = given > 0 ? (int)PyLong_AsLong(args[0]) : 0;
    if (PyErr_Occurred())
        return NULL;
    mp_levels_give(count);
    if (count > 0 && is_out_of_stack())
        return NULL;
    if (given < 2)
        Py_RETURN_NONE;
    return call_own(args[1], args + 2, (size_t)(given - 2), names);
}

/* What ran before is at most what leads to the program's first line. */
static PyObject *from_level(PyObject *module, PyObject *const *args, Py_ssize_t given)
{
    (void)module;
    int level = given > 1 ? (int)PyLong_AsLong(args[0]) : 0;
    if (PyErr_Occurred())
        return NULL;
    if (given < 2)
        return PyErr_Format(PyExc_TypeError, "from_level() takes a level and a function");
    int back = mp_levels_deep() - level;
    back = back < MP_LEVELS_OWN ? back : MP_LEVELS_OWN;
    mp_levels_give(back);
    PyObject *result = PyObject_Vectorcall(args[1], args + 2, (size_t)(given - 2), NULL);
    mp_levels_give(-back);
    return result;
}

PyMethodDef mp_levels_methods[] = {
    {"levels", (PyCFunction)(void (*)(void))levels, METH_FASTCALL | METH_KEYWORDS,
     "levels(count, [function, *args, **names]): this thread may go so many levels deeper than\n"
     "the recursion limit from here on, whatever is raised; negative: no more. Then the result\n"
     "of a function of ours, which may go deeper than the program."},
    {"from_level", (PyCFunction)(void (*)(void))from_level, METH_FASTCALL,
     "from_level(level, function, *args): its result, called as if this thread were so deep."},
    {NULL, NULL, 0, NULL},
};

/* --- pieces --- */

struct driven {
    PyObject_HEAD PyObject *steps; /* the iterator that does the work */
    PyObject *enter, *call;        /* enter(call) begins a piece; its leave() ends it */
};

static PyObject *driven_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    PyObject *steps, *enter, *call;
    if (keywords || !PyArg_ParseTuple(args, "OOO", &steps, &enter, &call))
        return keywords ? PyErr_Format(PyExc_TypeError, "Driven() takes no names") : NULL;
    struct driven *self = (struct driven *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    self->steps = Py_NewRef(steps);
    self->enter = Py_NewRef(enter);
    self->call = Py_NewRef(call);
    return (PyObject *)self;
}

static int driven_traverse(struct driven *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->steps);
    Py_VISIT(self->enter);
    Py_VISIT(self->call);
    return 0;
}

static int driven_clear(struct driven *self)
{
    Py_CLEAR(self->steps);
    Py_CLEAR(self->enter);
    Py_CLEAR(self->call);
    return 0;
}

static void driven_dealloc(struct driven *self)
{
    PyObject_GC_UnTrack(self);
    driven_clear(self);
    mp_object_free(self);
}

/* Ends a piece, takes over the reference to it. What leaves with an exception may raise another
   one, of a signal's handler: it goes on instead, as out of a `finally`. */
static PyObject *leave(PyObject *piece, PyObject *result)
{
    PyObject *raised = PyErr_GetRaisedException();
    PyObject *leave = PyObject_GetAttrString(piece, "leave");
    PyObject *left = leave ? call_own(leave, NULL, 0, NULL) : NULL;
    Py_XDECREF(leave);
    Py_DECREF(piece);
    if (left && raised)
        PyErr_SetRaisedException(raised);
    else if (!left) {
        Py_CLEAR(result);
        PyObject *error = PyErr_GetRaisedException();
        PyException_SetContext(error, raised);
        PyErr_SetRaisedException(error);
    }
    Py_XDECREF(left);
    return result;
}

static PyObject *step(PyObject *steps, const char *method, PyObject *args)
{
    if (!method)
        return Py_TYPE(steps)->tp_iternext(steps);
    PyObject *function = PyObject_GetAttrString(steps, method);
    PyObject *result = function ? PyObject_CallObject(function, args) : NULL;
    Py_XDECREF(function);
    return result;
}

/* One piece: the next one, or a method. The wrapper is the level that is given back, which the
   interpreter passes over when it throws. */
static PyObject *run(struct driven *self, int level, const char *method, PyObject *args)
{
    if (!self->steps) /* cleared */
        return method ? Py_NewRef(Py_None) : NULL;
    if (is_out_of_stack())
        return NULL;
    PyObject *piece = call_own(self->enter, &self->call, 1, NULL);
    if (!piece)
        return NULL;
    PyObject *steps = Py_NewRef(self->steps);
    level += method ? 2 * MP_LEVELS_OF_C : 0;
    mp_levels_give(level);
    PyObject *result = step(steps, method, args);
    mp_levels_give(-level);
    Py_DECREF(steps);
    return leave(piece, result);
}

static PyObject *driven_next(struct driven *self)
{
    return run(self, 1, NULL, NULL);
}

static PyObject *driven_send(struct driven *self, PyObject *args)
{
    return run(self, 1, "send", args);
}

static PyObject *driven_throw(struct driven *self, PyObject *args)
{
    return run(self, 0, "throw", args);
}

static PyObject *driven_close(struct driven *self, PyObject *args)
{
    return run(self, 0, "close", args);
}

static PyMethodDef driven_methods[] = {
    {"send", (PyCFunction)driven_send, METH_VARARGS, "As of a generator."},
    {"throw", (PyCFunction)driven_throw, METH_VARARGS, "As of a generator."},
    {"close", (PyCFunction)driven_close, METH_VARARGS, "As of a generator."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, driven_new},
    {Py_tp_traverse, driven_traverse},
    {Py_tp_clear, driven_clear},
    {Py_tp_dealloc, driven_dealloc},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, driven_next},
    {Py_am_await, PyObject_SelfIter},
    {Py_tp_methods, driven_methods},
    {Py_tp_doc,
     "Driven(steps, enter, call): yields, and awaits, what an iterator does; each piece of it\n"
     "runs between enter(call) and leave() of what that returned."},
    {0, NULL},
};

PyType_Spec mp_driven_spec = {
    .name = "memory_profiler._core.Driven",
    .basicsize = sizeof(struct driven),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
