/* The parts of line tracing on CPython 3.11: trace_eval.c decides and observes, trace_host.c
 * takes and leaves the interpreter's hooks, trace_greenlet.c follows switches of greenlets.
 */
#ifndef MP_CAPTURE_TRACE_EVAL_H
#define MP_CAPTURE_TRACE_EVAL_H

#include <Python.h>

/* What this thread's interpreter state had where ours is now. */
struct mp_host {
    Py_tracefunc
        theirs;    /* the program's trace function while ours has its place; or NULL */
    unsigned open; /* traced frames, those of other greenlets too */
    unsigned deep; /* all frames are traced: see mp_host_run_deep() */
};

extern __thread struct mp_host mp_host
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Who evaluates a frame after us: the interpreter, or another tool's function. */
extern _PyFrameEvalFunction mp_host_next __attribute__((visibility("hidden")));

/* One more, or one fewer, code object is traced: takes the hooks with the first one and leaves
   them with the last. */
void mp_host_install(void);
void mp_host_remove(void);

/* Runs a frame when the C stack is half used: the interpreter runs calls from here on in one C
   frame, as it does when nobody profiles, and all of them are traced. Other threads' calls that
   begin meanwhile are not. */
PyObject *mp_host_run_deep(PyThreadState *, struct _PyInterpreterFrame *, int throw);

/* Sets RecursionError, for when nothing is left of the C stack; -1. */
int mp_host_refuse(void);

/* The evaluation function, and the same without the look at the C stack. */
PyObject *mp_host_evaluate(PyThreadState *, struct _PyInterpreterFrame *, int throw);
PyObject *mp_host_run(PyThreadState *, struct _PyInterpreterFrame *, int throw);

/* Traces the frame that runs, or not, when somebody else has changed the thread's state: the
   program's sys.settrace(), a switch of greenlets. */
void mp_host_reclaim(PyThreadState *);

/* The first traced frame of the thread opens; the last one closes. Leave exceptions as found. */
void mp_greenlet_watch(void);
void mp_greenlet_unwatch(void);

#endif
