/* A heap capture's figures in rows: by line, function, file or module, in any order, with the
 * sum of all rows and of those that are not shown. */
#ifndef MP_AGGREGATE_HEAP_ROWS_H
#define MP_AGGREGATE_HEAP_ROWS_H

#include "aggregate/heap/your_lines.h"

enum mp_heap_grouping {
    MP_HEAP_EACH_LINE,
    MP_HEAP_EACH_YOUR_LINE, /* with what libraries allocated that it called */
    MP_HEAP_EACH_FUNCTION,
    MP_HEAP_EACH_FILE,
    MP_HEAP_EACH_MODULE,
    MP_HEAP_EACH_PROCESS, /* of lines that are one's each: `line` is its number; the next also */
    MP_HEAP_EACH_HOST,
    MP_HEAP_EACH_WORKER,
    MP_HEAP_EACH_RANK,
    MP_HEAP_EACH_TAG
};

enum mp_heap_column {
    MP_HEAP_AT_PEAK,
    MP_HEAP_CUMULATIVE, /* at the peak, callees included */
    MP_HEAP_LIVE,
    MP_HEAP_TOTAL,
    MP_HEAP_ALLOCATIONS,
    MP_HEAP_TEMPORARY,
    MP_HEAP_GROWTH, /* or shrinking */
    MP_HEAP_SHARE,  /* the largest of its shares */
    MP_HEAP_BLOCKS_AT_PEAK
};

struct mp_heap_rows {
    const struct mp_heap_view *view; /* borrowed */
    enum mp_heap_grouping group;
    enum mp_heap_column column;   /* they are sorted by */
    struct mp_heap_text *modules; /* owned: of each code, where rows are these; or NULL */
    struct mp_heap_line *rows; /* owned; `line` is 0 unless rows are lines or processes */
    size_t count;
    struct mp_heap_line own; /* memory_profiler's, in no row */
    struct mp_heap_line
        elsewhere; /* where rows are the user's lines: what none of them led to */
    struct mp_heap_line whole; /* the sum of all rows, and of these */
};

/* Takes the lines over, those that only called too. Functions of one name are told apart by file and
   first line. 0, or -1 with errno ENOMEM. */
int mp_heap_rows_init(struct mp_heap_rows *, const struct mp_heap_view *,
                      struct mp_heap_lines *, enum mp_heap_grouping);
void mp_heap_rows_release(struct mp_heap_rows *);

/* Whether each row is a line, or a line of the user's. */
static inline bool mp_heap_rows_are_lines(const struct mp_heap_rows *rows)
{
    return rows->group <= MP_HEAP_EACH_YOUR_LINE;
}

/* Whether each row is a process, or a group of them. */
static inline bool mp_heap_rows_are_processes(const struct mp_heap_rows *rows)
{
    return rows->group >= MP_HEAP_EACH_PROCESS;
}

/* Leaves those that allocated themselves. */
void mp_heap_rows_drop_callers(struct mp_heap_rows *);

/* Largest first; equal ones by name, so that reports do not vary. */
void mp_heap_rows_sort(struct mp_heap_rows *, enum mp_heap_column);

/* How many rows, once sorted, have that share of what they are sorted by; all, where none has. */
size_t mp_heap_rows_from(const struct mp_heap_rows *, double share);

/* The sum of the rows from `first` on. */
struct mp_heap_line mp_heap_rows_rest(const struct mp_heap_rows *, size_t first);

/* The top-level module of an installed file ("json", "numpy", "importlib"); of any other file its
   whole name. */
struct mp_heap_text mp_heap_module(const struct mp_heap_view *, struct mp_heap_text file);

#endif
