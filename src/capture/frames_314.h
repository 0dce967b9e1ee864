/* Frames of CPython 3.14 and later: the code's reference carries tags in its low bits. */
#include <internal/pycore_code.h>
#include <internal/pycore_instruments.h>
#include <internal/pycore_interpframe_structs.h>

static inline const _PyInterpreterFrame *mp_frame_innermost(PyThreadState *thread)
{
    return thread->current_frame;
}

static inline void mp_frame_set_innermost(PyThreadState *thread,
                                          const _PyInterpreterFrame *frame)
{
    thread->current_frame = (_PyInterpreterFrame *)frame;
}

/* Nor does the frame that the interpreter slips in between a call of a class and its __init__. */
static inline bool mp_frame_is_python(const _PyInterpreterFrame *frame)
{
    return frame->owner < FRAME_OWNED_BY_INTERPRETER &&
           (frame->f_funcobj.bits & ~(uintptr_t)3) != (uintptr_t)Py_None;
}

static inline PyCodeObject *mp_frame_code(const _PyInterpreterFrame *frame)
{
    return (PyCodeObject *)(frame->f_executable.bits & ~(uintptr_t)3);
}

static inline const _Py_CODEUNIT *mp_frame_instruction(const _PyInterpreterFrame *frame)
{
    return frame->instr_ptr;
}

/* Whether somebody is told of every new object, who may wait for a lock: tracemalloc is. */
static inline bool mp_objects_are_traced(void)
{
    void *data;
    return PyRefTracer_GetTracer(&data) != NULL;
}

/* Of the thread that holds the interpreter's lock; NULL in any other. */
static inline PyThreadState *mp_thread_holding(void)
{
    return PyThreadState_GetUnchecked();
}

/* The calling thread's own state if it holds its interpreter's lock, else NULL. */
static inline PyThreadState *mp_thread_with_lock(void)
{
    return mp_thread_holding();
}
