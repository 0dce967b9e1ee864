/* A capture's call stacks as a flame graph: one frame for each function and line under the same
 * caller, with all that was allocated in it and below, pruned to what can be drawn.
 *
 *     whole 100 ─┬─ main:3  90 ─┬─ load:7  80
 *                │              └─ 12 smaller stacks  10     every level sums exactly
 *                └─ 4 smaller stacks  10
 *
 * The frames of what launched the program are not shown, nor are ours.
 */
#ifndef MP_AGGREGATE_FLAME_H
#define MP_AGGREGATE_FLAME_H

#include <stdbool.h>

#include "aggregate/heap_lines.h"

enum mp_flame_kind {
    MP_FLAME_FRAME,
    MP_FLAME_SMALLER, /* what is below the least share under its parent, in one */
    MP_FLAME_DEEPER,  /* what is called from the deepest frame there may be, in one */
    MP_FLAME_OWN      /* what memory_profiler's own Python code allocated, in one */
};

struct mp_flame_frame {
    struct mp_heap_line sum; /* function and line, of a frame; figures, callees included */
    uint32_t parent;         /* position, lower than its own; the root, 0, is its own */
    uint32_t stacks;         /* call stacks that allocated, in it and below */
    uint32_t depth;          /* 0 for the root */
    enum mp_flame_kind kind;
};

struct mp_flame_options {
    double least;   /* share of the peak, live bytes, total or temporary blocks: 0 to 1 */
    size_t most;    /* frames; the least share is raised until they are no more */
    uint32_t depth; /* at most */
    bool fold;      /* a call to itself, on the line that the caller is on, is the caller */
};

struct mp_flame {
    struct mp_flame_frame *frames; /* owned; callers before callees */
    size_t count;
    double least; /* the share that was kept to */
};

/* 0, or -1 with errno ENOMEM. Time and memory are proportional to the capture's stacks. */
int mp_flame_init(struct mp_flame *, const struct mp_heap_view *,
                  const struct mp_flame_options *);
void mp_flame_release(struct mp_flame *);

#endif
