/* A flame graph turned over: from the lines that allocated to those that led there. */
#ifndef MP_AGGREGATE_HEAP_FLAME_INVERT_H
#define MP_AGGREGATE_HEAP_FLAME_INVERT_H

#include "aggregate/heap/flame_frames.h"

/* Of frames whose figures are their own, and which stay; those made have all in them that is below. As many
   frames are opened as `most` says, the largest first, and at most 100,000; the least share that
   this comes to is raised in the options. Of each frame that there was `moved`, unless NULL, becomes the
   last frame of its callers. 0, or -1 with errno ENOMEM and none made. */
int mp_flame_invert(struct mp_flame *made, const struct mp_flame *,
                    struct mp_flame_options *, uint32_t *moved);

#endif
