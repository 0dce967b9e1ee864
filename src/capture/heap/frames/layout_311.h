/* Frames of CPython 3.11. */
#include <internal/pycore_pymem.h>

#include "capture/heap/frames/layout_to_312.h"

static inline bool mp_frame_is_python(const _PyInterpreterFrame *frame)
{
    (void)frame;
    return true;
}

/* Whether somebody is told of every new object, who may wait for a lock: tracemalloc is. */
static inline bool mp_objects_are_traced(void)
{
    return _Py_tracemalloc_config.tracing;
}

/* Of the thread that holds the interpreter's lock; NULL if nobody does. */
static inline PyThreadState *mp_thread_holding(void)
{
    return _PyThreadState_UncheckedGet();
}

/* The calling thread's own state if it holds the lock, else NULL. */
static inline PyThreadState *mp_thread_with_lock(void)
{
    PyThreadState *holder = mp_thread_holding();
    return holder && holder == PyGILState_GetThisThreadState() ? holder : NULL;
}
