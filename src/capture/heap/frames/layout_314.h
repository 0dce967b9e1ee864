/* Frames of CPython 3.14 and later: the code's reference carries tags in its low bits. */
#include <internal/pycore_code.h>
#include <internal/pycore_instruments.h>
#include <internal/pycore_interpframe_structs.h>

#include "capture/heap/frames/layout_from_313.h"

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
