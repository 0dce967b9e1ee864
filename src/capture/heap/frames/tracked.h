/* What the garbage collector follows. */
#ifndef MP_CAPTURE_HEAP_FRAMES_TRACKED_H
#define MP_CAPTURE_HEAP_FRAMES_TRACKED_H

#include "capture/heap/frames/layout.h"

/* Walks every object that the collector follows, frozen ones too where the version lets it. */
void mp_tracked_each(int (*visit)(PyObject *, void *context), void *context);

#endif
