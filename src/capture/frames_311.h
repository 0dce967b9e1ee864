/* Frames of CPython 3.11. */
#include <internal/pycore_frame.h>
#include <internal/pycore_pymem.h>

static inline const _PyInterpreterFrame *mp_frame_innermost(PyThreadState *thread)
{
    return thread->cframe->current_frame;
}

static inline void mp_frame_set_innermost(PyThreadState *thread,
                                          const _PyInterpreterFrame *frame)
{
    thread->cframe->current_frame = (_PyInterpreterFrame *)frame;
}

static inline bool mp_frame_is_python(const _PyInterpreterFrame *frame)
{
    (void)frame;
    return true;
}

static inline PyCodeObject *mp_frame_code(const _PyInterpreterFrame *frame)
{
    return frame->f_code;
}

static inline const _Py_CODEUNIT *mp_frame_instruction(const _PyInterpreterFrame *frame)
{
    return frame->prev_instr;
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
