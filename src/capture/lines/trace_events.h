/* Line events on CPython 3.11: the C trace function and the thread's slot for one. The lowest part;
 * trace_greenlet.c and trace_host.c stand on it, and trace_eval.c, which decides, on all three.
 *
 * claim() puts our trace function into the slot; handing back gives the slot to the program's own,
 * to which ours hands on all it sees.
 */
#ifndef MP_CAPTURE_LINES_TRACE_EVENTS_H
#define MP_CAPTURE_LINES_TRACE_EVENTS_H

#include <Python.h>

#include <internal/pycore_frame.h>
#include <stdbool.h>

#include "capture/lines/trace_code.h"

/* What this thread's interpreter state had where ours is now. */
struct mp_events {
    Py_tracefunc
        theirs;    /* the program's trace function while ours has its place; or NULL */
    unsigned open; /* traced frames, those of other greenlets too */
    unsigned deep; /* all frames are traced: the C stack is half used (trace_eval.c) */
};

extern __thread struct mp_events mp_events
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Owned; asked about code that runs for the first time; NULL: none. */
extern PyObject *mp_events_selector __attribute__((visibility("hidden")));

/* Shows code that runs for the first time to the selector. */
void mp_events_consider(const _PyInterpreterFrame *);

static inline bool mp_events_traces(PyCodeObject *code)
{
    if (__builtin_expect(!code->co_extra, 1))
        return false;
    const struct mp_code_notes *notes = mp_code_notes_peek((PyObject *)code);
    return notes && notes->traced;
}

/* A traced frame runs in the same C frame as this one, which is its callee if not itself. */
bool mp_events_in_traced(const _PyInterpreterFrame *);

/* Traces the frame that runs; the same if that is `traced`, else gives the slot back. */
void mp_events_claim(PyThreadState *);
void mp_events_hand_back(PyThreadState *, bool traced);

/* Traces the frame that runs, or not, when somebody else has changed the thread's state: the
   program's sys.settrace(), a switch of greenlets. */
void mp_events_reclaim(PyThreadState *);

/* Sets RecursionError, for when nothing is left of the C stack; -1. */
int mp_events_refuse(void);

#endif
