/* The interpreter's frame that is running now, as an identity: compare it, never follow it. */
#ifndef MP_CAPTURE_LINES_FRAME_H
#define MP_CAPTURE_LINES_FRAME_H

#include <Python.h>

static inline const void *mp_frame_current(void)
{
    PyThreadState *thread = PyThreadState_Get();
#if PY_VERSION_HEX >= 0x030D0000
    return thread->current_frame;
#else
    return thread->cframe->current_frame;
#endif
}

#endif
