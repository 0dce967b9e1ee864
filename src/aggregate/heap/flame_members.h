/* What each group of several processes, a worker with its children, held in the frames of a flame graph, as much of it as
 * a page carries: of each group the frames with most, the same number for all of them.
 *
 *     load:7     worker 0  30    worker 1  28    worker 7  91
 */
#ifndef MP_AGGREGATE_HEAP_FLAME_MEMBERS_H
#define MP_AGGREGATE_HEAP_FLAME_MEMBERS_H

#include "aggregate/heap/flame_frames.h"
#include "aggregate/heap/merge.h"

struct mp_flame_member {
    uint32_t frame, group;
    int64_t bytes; /* of the frame itself, at the peak of each of its processes */
};

struct mp_flame_members {
    struct mp_flame_member *held; /* owned; by frame, then by group */
    size_t count;
};

/* Of a graph with its places, and a merge that kept the shares; `groups_of`: of each process that was merged its group, from 0
   to `groups`. 0, or -1 with errno ENOMEM; release it either way. */
int mp_flame_members_init(struct mp_flame_members *, const struct mp_heap_merge *,
                          const struct mp_flame *, const size_t *groups_of, size_t groups);
void mp_flame_members_release(struct mp_flame_members *);

#endif
