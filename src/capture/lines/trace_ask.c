#include "capture/lines/trace_ask.h"

#include "capture/heap/python/lines.h"
#include "capture/lines/trace_levels.h"
#include "capture/lines/tracer.h"

bool mp_trace_offer(PyObject *selector, PyObject *code, PyObject *globals)
{
    static bool asking;
    if (asking)
        return false;
    asking = true;
    bool aside = mp_hooks_set_aside(true);
    PyObject *asked = Py_NewRef(selector);
    mp_levels_give(MP_LEVELS_OWN);
    PyObject *result = PyObject_CallFunctionObjArgs(asked, code, globals, NULL);
    mp_levels_give(-MP_LEVELS_OWN);
    if (!result)
        PyErr_Clear();
    Py_XDECREF(result);
    Py_DECREF(asked);
    mp_hooks_set_aside(aside);
    asking = false;
    return true;
}

int mp_trace_check_limit(struct mp_tracer *tracer, int64_t bytes)
{
    struct mp_limit *limit = &tracer->limit;
    bool over = bytes >= limit->bytes,
         tell = over && bytes > limit->reported + limit->reported / 10;
    if (tell || !over)
        limit->reported = tell ? bytes : 0;
    if (!tell)
        return 0;
    PyObject *result = PyObject_CallFunction(limit->call, "L", (long long)bytes);
    Py_XDECREF(result);
    return result ? 1 : -1;
}
