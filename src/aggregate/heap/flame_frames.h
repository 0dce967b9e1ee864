/* What a flame graph is made of. */
#ifndef MP_AGGREGATE_HEAP_FLAME_FRAMES_H
#define MP_AGGREGATE_HEAP_FLAME_FRAMES_H

#include <stdbool.h>

#include "aggregate/heap/lines.h"
#include "aggregate/heap/own.h"
#include "aggregate/heap/stacks.h"

enum mp_flame_kind {
    MP_FLAME_FRAME,
    MP_FLAME_SMALLER, /* what is below the least share under its parent, in one */
    MP_FLAME_DEEPER,  /* what is called from the deepest frame there may be, in one */
    MP_FLAME_OWN,     /* what memory_profiler's own Python code allocated, in one */
    MP_FLAME_IMPORTS, /* what import machinery allocated under one caller */
    MP_FLAME_KINDS
};

struct mp_flame_frame {
    struct mp_heap_line sum; /* function and line, of a frame; figures, callees included */
    uint32_t parent;         /* position, lower than its own; the root, 0, is its own */
    uint32_t stacks;         /* call stacks that allocated, in it and below */
    uint32_t depth;          /* 0 for the root */
    uint32_t times;          /* of a folded cycle, at most in one stack; 0: not folded */
    enum mp_flame_kind kind;
};

struct mp_flame_options {
    double least; /* share of the peak, live bytes, total or temporary blocks: 0 to 1 */
    size_t most;  /* frames; the least share is raised until they are no more */
    size_t most_inverted; /* the same of what is made both ways */
    uint32_t depth;       /* at most */
    uint32_t fold; /* cycles that a stack runs so many times are drawn once; 0: none is */
    bool together; /* import machinery is no frame: what it runs is called by its caller */
    bool inverted;
    bool placed; /* `places` are wanted */
    const struct mp_heap_own
        *own; /* borrowed, as the stacks; NULL: they are found for it alone */
    const struct mp_heap_stacks *stacks;
};

struct mp_flame {
    struct mp_flame_frame *frames; /* owned; callers before callees */
    size_t count;
    double least; /* the share that was kept to */
    bool inverted;
    double folded; /* the largest share of a cycle that is drawn once; 0: none is */
    uint32_t
        *places; /* owned; of each node: the frame that its own figures are in; or NULL */
};

#endif
