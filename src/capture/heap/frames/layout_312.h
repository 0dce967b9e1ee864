/* Frames of CPython 3.12. */
#include "capture/heap/frames/layout_to_312.h"

static inline bool mp_frame_is_python(const _PyInterpreterFrame *frame)
{
    return frame->owner != FRAME_OWNED_BY_CSTACK;
}

/* Whether somebody is told of every new object, who may wait for a lock: tracemalloc is. */
static inline bool mp_objects_are_traced(void)
{
    return _PyTraceMalloc_IsTracing();
}

/* Of the thread that holds the interpreter's lock; NULL in any other. */
static inline PyThreadState *mp_thread_holding(void)
{
    return _PyThreadState_UncheckedGet();
}

/* The calling thread's own state if it holds its interpreter's lock, else NULL. */
static inline PyThreadState *mp_thread_with_lock(void)
{
    return mp_thread_holding();
}
