/* What frames of CPython 3.11 and 3.12 have alike. */
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

static inline PyCodeObject *mp_frame_code(const _PyInterpreterFrame *frame)
{
    return frame->f_code;
}

static inline const _Py_CODEUNIT *mp_frame_instruction(const _PyInterpreterFrame *frame)
{
    return frame->prev_instr;
}
