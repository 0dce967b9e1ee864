/* A heap capture as a timeline: RSS with the heap as a curve beside it. */
#ifndef MP_CMD_HEAP_TIMELINE_H
#define MP_CMD_HEAP_TIMELINE_H

#include "record/series.h"

/* Reads the capture; says in one line what is wrong with it. Returns 0, or the exit code; the
   caller releases the timeline either way. */
int mp_heap_timeline_read(struct mp_timeline *, const char *path);

#endif
