/* Frames of CPython 3.12. */
#include <internal/pycore_frame.h>

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
    return frame->owner != FRAME_OWNED_BY_CSTACK;
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
