/* What the native hooks tell goes into the capture that is being recorded. */
#ifndef MP_CAPTURE_HEAP_PYTHON_NATIVE_H
#define MP_CAPTURE_HEAP_PYTHON_NATIVE_H

#include "capture/heap/native/sink.h"

extern const struct mp_native_sink mp_recording_sink;

#endif
