/* Questions that events put to Python: may this code be traced, is this much memory too much. */
#ifndef MP_CAPTURE_LINES_TRACE_ASK_H
#define MP_CAPTURE_LINES_TRACE_ASK_H

#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

struct mp_tracer;

/* Asks `selector(code, globals)`, which may trace the code; what it raises is dropped. False
   when another question is open: code that runs meanwhile is asked about when it runs next. */
bool mp_trace_offer(PyObject *selector, PyObject *code, PyObject *globals);

/* Calls the tracer's limit when memory rises to it. It may raise into the program (a debugger
   that is left): -1 with that exception; else 1 when it was called, 0 when not. */
int mp_trace_check_limit(struct mp_tracer *, int64_t bytes);

#endif
