/* A heap capture by line of code: what was allocated there, callees not included.
 * What memory_profiler's own Python code allocated is one sum beside the lines.
 *
 *     work.py:5 load ─► csv.py:124 __next__      a library's line also says which of the user's
 *     work.py:9 more ─┘                          own lines led there most */
#ifndef MP_AGGREGATE_HEAP_LINES_H
#define MP_AGGREGATE_HEAP_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "aggregate/heap_own.h"
#include "record/heap.h"

enum mp_heap_order {
    MP_HEAP_BY_PEAK,  /* what held the peak */
    MP_HEAP_BY_LIVE,  /* what is still there */
    MP_HEAP_BY_CHURN, /* what allocates and frees at once */
    MP_HEAP_ORDERS
};

struct mp_heap_line {
    uint32_t code; /* in the view; 0: no Python code was running */
    int line;
    int64_t at_peak, live; /* bytes */
    uint64_t blocks_at_peak, live_blocks;
    uint64_t total, blocks, temporary;
    struct mp_heap_heaviest {     /* stack of the line: its first node */
        uint32_t node, user;      /* the node of the user's line that led there; 0: none */
        uint64_t weight, by_user; /* its own; of all stacks that this line led to */
    } heaviest[MP_HEAP_ORDERS];
    uint32_t stacks; /* how many allocated there */
    bool importing;  /* stands for all lines of import machinery; `line` is 0 */
};

struct mp_heap_lines {
    struct mp_heap_line *lines; /* owned */
    size_t count, room;
    struct mp_heap_line own; /* memory_profiler's */
};

/* `own` NULL: nothing is set apart, and no line knows the user's. Of a line that the user's lines
   led to, the heaviest stack is one by the line that led to most. 0, or -1 with errno ENOMEM. Sums stop at the largest
   number. */
int mp_heap_lines_init(struct mp_heap_lines *, const struct mp_heap_view *,
                       const struct mp_heap_own *own);
void mp_heap_lines_release(struct mp_heap_lines *);

/* Largest first; equal ones by file, line and function, so that reports do not vary. */
void mp_heap_lines_sort(struct mp_heap_lines *, const struct mp_heap_view *,
                        enum mp_heap_order);

/* What the order goes by. */
uint64_t mp_heap_line_weight(const struct mp_heap_line *, enum mp_heap_order);

/* A node's own figures; code and line are not set. */
struct mp_heap_line mp_heap_line_of(const struct mp_heap_view *, uint32_t node);

/* The largest of its shares of the whole: at the peak, live, in total, temporary; 0 to 1. */
double mp_heap_line_share(const struct mp_heap_line *, const struct mp_heap_line *whole);

/* Adds a line's figures to a sum of several. */
void mp_heap_line_add(struct mp_heap_line *sum, const struct mp_heap_line *);

/* Bytes ever allocated, as sizes are shown. */
static inline int64_t mp_heap_line_total(const struct mp_heap_line *line)
{
    return line->total > INT64_MAX ? INT64_MAX : (int64_t)line->total;
}

/* By their bytes, as strings. */
int mp_heap_text_compare(const struct mp_heap_view *, struct mp_heap_text,
                         struct mp_heap_text);

#endif
