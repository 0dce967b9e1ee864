/* A heap capture by line of code: what was allocated there, and with all that the line called.
 * What memory_profiler's own Python code allocated is one sum beside the lines.
 *
 *     work.py:5 load ─► csv.py:124 __next__      a library's line also says which of the user's
 *     work.py:9 more ─┘                          own lines led there most */
#ifndef MP_AGGREGATE_HEAP_LINES_H
#define MP_AGGREGATE_HEAP_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "aggregate/heap/inclusive.h"
#include "aggregate/heap/order.h"
#include "aggregate/heap/origins.h"
#include "aggregate/heap/own.h"
#include "aggregate/heap/path.h"
#include "aggregate/heap/stacks.h"
#include "record/heap.h"

/* Who took the memory is not who uses it. */
enum {
    MP_HEAP_MARK_POOL = 1,   /* some is a large mapping's, which is handed out later */
    MP_HEAP_MARK_THREAD = 2, /* some a thread without Python code allocated */
    MP_HEAP_MARKS = 2
};

/* The stack of a line that weighs most in an order: its first node. */
struct mp_heap_heaviest {
    uint32_t node, user;      /* the node of the user's line that led there; 0: none */
    uint64_t weight, by_user; /* its own; of all stacks that this line led to */
};

struct mp_heap_line {
    uint32_t code; /* in the view; 0: no Python code was running */
    int line;
    int64_t at_peak, live; /* bytes */
    uint64_t blocks_at_peak, live_blocks;
    uint64_t total, blocks, temporary;
    int64_t growth, growth_blocks; /* 0 where no range was asked for */
    struct mp_heap_sum cumulative; /* callees included; of sums of lines: not set */
    uint32_t number;               /* from 1 on, whatever the order is */
    const struct mp_heap_heaviest *heaviest; /* borrowed: in each order; NULL: not known */
    uint32_t stacks;                         /* how many allocated there */
    unsigned marks;
    bool importing; /* stands for all lines of import machinery; `line` is 0 */
    bool users;     /* is the user's own code */
    bool called;    /* is shown as a caller: not only on stacks that started the program */
};

struct mp_heap_lines {
    struct mp_heap_line *lines; /* owned; behind those that allocated, callers alone */
    size_t count, all, room;    /* that allocated; with the callers */
    struct mp_heap_line own;    /* memory_profiler's */
    struct mp_heap_heaviest (*heaviest)[MP_HEAP_ORDERS]; /* owned; by the lines' numbers */
    uint32_t *places; /* owned; of each node: its line's number; 0: it is not shown */
    size_t numbers;   /* the highest of them */
    /* Empty where lines are processes: who called whom, with what; the user's lines that led to
       each line. */
    struct mp_heap_stacks stacks;
    struct mp_heap_calls calls;
    struct mp_heap_inclusive inclusive;
    struct mp_heap_origins origins;
};

/* `own` NULL: nothing is set apart, and no line knows the user's. Of a line that the user's lines
   led to, the heaviest stack is one by the line that led to most. 0, or -1 with errno ENOMEM. Sums stop at the largest
   number. */
int mp_heap_lines_init(struct mp_heap_lines *, const struct mp_heap_view *,
                       const struct mp_heap_own *own);

/* The same without who called them: `heaviest`, `origins`, `calls` and the stacks but for their lines are
   empty. */
int mp_heap_lines_init_uncalled(struct mp_heap_lines *, const struct mp_heap_view *,
                                const struct mp_heap_own *own);
void mp_heap_lines_release(struct mp_heap_lines *);

/* Largest first; equal ones by file, line and function, so that reports do not vary. */
void mp_heap_lines_sort(struct mp_heap_lines *, const struct mp_heap_view *,
                        enum mp_heap_order);

/* The same for two of them: negative, 0 or positive. */
int mp_heap_line_compare(const struct mp_heap_view *, const struct mp_heap_line *,
                         const struct mp_heap_line *, enum mp_heap_order);

/* Of nothing where it is not known. */
static inline struct mp_heap_heaviest mp_heap_line_heaviest(const struct mp_heap_line *line,
                                                            enum mp_heap_order order)
{
    return line->heaviest ? line->heaviest[order] : (struct mp_heap_heaviest){0};
}

/* What the order goes by. */
uint64_t mp_heap_line_weight(const struct mp_heap_line *, enum mp_heap_order);

/* A node's own figures; code and line are not set. */
struct mp_heap_line mp_heap_line_of(const struct mp_heap_view *, uint32_t node);

/* The largest of its shares of the whole: at the peak, live, in total, temporary; of growth, of
   the bytes that grew or shrank in all, or of what is there; 0 to 1. */
double mp_heap_line_share(const struct mp_heap_line *, const struct mp_heap_line *whole);

/* Adds a line's figures to a sum of several. */
void mp_heap_line_add(struct mp_heap_line *sum, const struct mp_heap_line *);

/* Bytes ever allocated, as sizes are shown. */
static inline int64_t mp_heap_line_total(const struct mp_heap_line *line)
{
    return line->total > INT64_MAX ? INT64_MAX : (int64_t)line->total;
}

/* Whether it has figures of its own. Mappings have no blocks; what stands for small stacks was
   allocated elsewhere. */
static inline bool mp_heap_line_is_used(const struct mp_heap_line *line)
{
    return line->blocks || line->total || line->at_peak || line->growth;
}

static inline uint64_t mp_heap_magnitude(int64_t bytes)
{
    return bytes < 0 ? -(uint64_t)bytes : (uint64_t)bytes;
}

/* By their bytes, as strings. */
int mp_heap_text_compare(const struct mp_heap_view *, struct mp_heap_text,
                         struct mp_heap_text);

#endif
