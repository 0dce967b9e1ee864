/* Frames of CPython 3.13. */
#include <internal/pycore_frame.h>

#include "capture/heap/frames/layout_from_313.h"

/* Nor does the frame that the interpreter slips in between a call of a class and its __init__. */
static inline bool mp_frame_is_python(const _PyInterpreterFrame *frame)
{
    return frame->owner != FRAME_OWNED_BY_CSTACK && frame->f_funcobj != Py_None;
}

static inline PyCodeObject *mp_frame_code(const _PyInterpreterFrame *frame)
{
    return (PyCodeObject *)frame->f_executable;
}
