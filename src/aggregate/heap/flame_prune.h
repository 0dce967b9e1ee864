/* A flame graph cut down to what can be drawn: what is too small is one frame below its caller. */
#ifndef MP_AGGREGATE_HEAP_FLAME_PRUNE_H
#define MP_AGGREGATE_HEAP_FLAME_PRUNE_H

#include "aggregate/heap/flame_frames.h"

/* The frames' figures have their callees in them. The least share, raised until the frames are no
   more than `most`, becomes the graph's. The lines that allocated
   are kept to a sixteenth of it where their callers are below them. Of each frame that there was `moved`, unless NULL, becomes the
   one that has its own figures. 0, or -1 with errno ENOMEM and nothing changed. */
int mp_flame_prune(struct mp_flame *, double least, size_t most, uint32_t *moved);

#endif
