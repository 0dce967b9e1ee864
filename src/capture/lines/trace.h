/* The interpreter's side of line tracing: turns its events into activations. Implemented by
 * trace_monitoring.c (sys.monitoring, 3.12 and later) and trace_eval.c (3.11).
 *
 * Only code objects that were handed in are instrumented; all other code runs as it would.
 * Callbacks never raise and never print; Python code runs only for a selector, a limit
 * (mp_tracer's) or a source that is Python's.
 */
#ifndef MP_CAPTURE_LINES_TRACE_H
#define MP_CAPTURE_LINES_TRACE_H

#include <Python.h>

/* Takes what events come through (a monitoring tool id), once. 0, or -1 with a Python
   exception. */
int mp_trace_start(void);

/* Asks for the events of one code object, which is kept alive until mp_trace_forget(), also
   when asking failed. Once for each code object. 0, or -1 with a Python exception. */
int mp_trace_code(PyCodeObject *);

/* Shows `selector` every code object once, when it first runs: selector(code, globals) may hand
   it in, its result is ignored. NULL: stop. 0, or -1 with a Python exception. */
int mp_trace_select(PyObject *selector);

/* The running frame has its lines told from here on, for a block in it; no more, unless somebody
   else wants them. Its code was handed in. */
void mp_trace_block_opened(void);
void mp_trace_block_closed(void);

/* Nobody traces this code object any more. */
void mp_trace_forget(const void *code);

/* The first and last line that a code object and the code nested in it can run. 0, or -1 with a
   Python exception. The answer is kept with the code object. */
int mp_trace_span(PyCodeObject *, int *first, int *last);

#endif
