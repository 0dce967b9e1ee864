/* Where this version of CPython keeps a thread's frames: the innermost, each one's caller, its
 * code and the instruction it is at. Only the thread itself, or who holds the interpreter's lock,
 * may look. Frames that run no Python code (the interpreter's own entry frames) are passed over.
 */
#ifndef MP_CAPTURE_HEAP_FRAMES_LAYOUT_H
#define MP_CAPTURE_HEAP_FRAMES_LAYOUT_H

#ifndef Py_BUILD_CORE
#define Py_BUILD_CORE 1
#endif
#include <Python.h>

#include <stdbool.h>

#if PY_VERSION_HEX >= 0x030E0000
#include "capture/heap/frames/layout_314.h"
#elif PY_VERSION_HEX >= 0x030D0000
#include "capture/heap/frames/layout_313.h"
#elif PY_VERSION_HEX >= 0x030C0000
#include "capture/heap/frames/layout_312.h"
#else
#include "capture/heap/frames/layout_311.h"
#endif

/* Whether the frame has begun and runs from its call to its return: no generator's or coroutine's,
   which stops in between and goes on under another caller. */
static inline bool mp_frame_is_plain(const _PyInterpreterFrame *frame)
{
    const PyCodeObject *code = mp_frame_code(frame);
    return frame->owner == FRAME_OWNED_BY_THREAD &&
           mp_frame_instruction(frame) >= _PyCode_CODE(code) + code->_co_firsttraceable;
}

/* What the interpreter keeps with a frame that somebody asked for as an object. */
static inline PyFrameObject *mp_frame_object(const _PyInterpreterFrame *frame)
{
    return frame->frame_obj;
}

/* The frame itself, or the nearest caller that runs Python code. NULL behind the outermost. */
static inline const _PyInterpreterFrame *mp_frame_python(const _PyInterpreterFrame *frame)
{
    while (frame && !mp_frame_is_python(frame))
        frame = frame->previous;
    return frame;
}

static inline const _PyInterpreterFrame *mp_frame_caller(const _PyInterpreterFrame *frame)
{
    return mp_frame_python(frame->previous);
}

#endif
