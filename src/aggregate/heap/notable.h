/* The lines of source that matter in a capture: those that have a share of some measure, by themselves
 * or with all that they called. */
#ifndef MP_AGGREGATE_HEAP_NOTABLE_H
#define MP_AGGREGATE_HEAP_NOTABLE_H

#include "aggregate/heap/distinct.h"
#include "aggregate/heap/own.h"
#include "record/heap.h"

struct mp_heap_notable {
    struct mp_heap_distinct files; /* owned, as the lines */
    struct mp_heap_notable_line {
        uint32_t file; /* its number in `files` */
        int line;
    } * lines; /* by file, and by number; each once */
    size_t count;
};

/* `least`: share of the bytes at the peak, live or allocated, or of the temporary blocks; 0 to 1. What
   memory_profiler's own code allocated is left out. 0, or -1 with errno ENOMEM; release whatever the result. */
int mp_heap_notable_init(struct mp_heap_notable *, const struct mp_heap_view *,
                         const struct mp_heap_own *own, double least);
void mp_heap_notable_release(struct mp_heap_notable *);

#endif
