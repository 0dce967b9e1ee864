/* The hooks of CPython 3.11 that line tracing holds while code is traced. */
#ifndef MP_CAPTURE_LINES_TRACE_HOST_H
#define MP_CAPTURE_LINES_TRACE_HOST_H

#include <Python.h>

/* Who evaluates a frame after us: the interpreter, or another tool's function. */
extern _PyFrameEvalFunction mp_host_next __attribute__((visibility("hidden")));

/* One more, or one fewer, code object is traced: takes the hooks with the first one, for our
   evaluation function, and leaves them with the last. */
void mp_host_install(_PyFrameEvalFunction ours);
void mp_host_remove(void);

/* The evaluation function is taken out, in all threads, until each that did it puts it back. */
void mp_host_suspend(void);
void mp_host_resume(void);

#endif
