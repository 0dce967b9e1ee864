/* A heap capture by the user's own lines: each with what it allocated, and what the libraries that it
 * called did, up to the next line of the user's. So they sum to the whole.
 *
 *     work.py:9 main ─► work.py:5 load ─► csv.py:124 __next__     load has what csv.py:124 allocated,
 *                                                                 main has it among its callees alone
 */
#ifndef MP_AGGREGATE_HEAP_YOUR_LINES_H
#define MP_AGGREGATE_HEAP_YOUR_LINES_H

#include "aggregate/heap/lines.h"

struct mp_heap_your_line {
    struct mp_heap_line
        line; /* `cumulative` with other lines of the user's that it called */
    struct
        mp_heap_beneath { /* the line that allocated most of it; code 0: itself alone did */
        uint32_t code;
        int line;
        bool importing; /* import machinery, all of it */
        uint64_t weight;
    } beneath[MP_HEAP_ORDERS];
};

struct mp_heap_your_lines {
    struct mp_heap_your_line *lines; /* owned; those that have something */
    size_t count;
    struct mp_heap_line elsewhere; /* what no line of the user's led to */
    struct mp_heap_line own;       /* memory_profiler's */
};

/* Of lines that were found with whose they are. 0, or -1 with errno ENOMEM. */
int mp_heap_your_lines_init(struct mp_heap_your_lines *, const struct mp_heap_view *,
                            const struct mp_heap_lines *);
void mp_heap_your_lines_release(struct mp_heap_your_lines *);

/* As other lines are sorted. */
void mp_heap_your_lines_sort(struct mp_heap_your_lines *, const struct mp_heap_view *,
                             enum mp_heap_order);

#endif
