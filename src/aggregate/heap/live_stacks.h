/* The call stacks behind a row of a live heap, those that hold most first. */
#ifndef MP_AGGREGATE_HEAP_LIVE_STACKS_H
#define MP_AGGREGATE_HEAP_LIVE_STACKS_H

#include "aggregate/heap/live_rows.h"

struct mp_heap_live_stack {
    const struct mp_heap_live_process *process; /* borrowed */
    uint32_t node; /* one of those that are this stack by lines */
    uint64_t stack;
    int64_t live;
    uint64_t blocks, total;
};

struct mp_heap_live_stacks {
    struct mp_heap_live_stack *stacks; /* owned */
    size_t count, room;
};

/* Of the row at this position; of threads there are none. 0, or -1 with errno ENOMEM. */
int mp_heap_live_stacks_init(struct mp_heap_live_stacks *, const struct mp_heap_live *,
                             struct mp_heap_live_process *const *processes, size_t count,
                             size_t row);
void mp_heap_live_stacks_release(struct mp_heap_live_stacks *);

struct mp_heap_live_frame {
    struct mp_heap_text file, name; /* in the view */
    uint32_t skip;                  /* as in rows */
    int line;
    bool users;
};

/* The frame that a node stands for, or the nearest above it that is shown; *next is the node to go on
   with, 0 when there are no more. False: there is none. */
bool mp_heap_live_frame(const struct mp_heap_live *, const struct mp_heap_live_process *,
                        uint32_t node, struct mp_heap_live_frame *, uint32_t *next);

#endif
