/* The vocabulary of line profiling. Read this first.
 *
 * Source lines are counted in rows. A *line event* happens when the interpreter is about to run
 * a line; the event completes the line before it in the same activation. A row holds what its
 * completed executions did to the process's memory:
 *
 *     memory       bytes       the largest reading at the end of an execution of this line; -1: each
 *                              of them failed, then increment and peak mean nothing either
 *     increment    bytes       sum over executions of (reading after - reading before), callees
 *                              included, each byte counted once
 *     peak         bytes       the largest high-water mark of an execution, callees included;
 *                              measured only on request, else 0
 *     allocated    bytes       that Python's allocators handed out on the thread, callees
 *     freed                    included, and got back; each byte once; on request, else 0
 *     heap_peak    bytes       the largest rise of an execution above its start of what the
 *                              thread had allocated and not freed; likewise
 *     occurrences  executions  as sys.settrace counts them
 *
 * Row 0 of a table is the line of the function's first decorator (or `def`; line 0, which is no
 * line, for the top level of a module): entering the function completes it. `baseline` is the first entry's reading; reports add it to that row's
 * increment, so that the column reads "started with this, then grew by these".
 *
 *      first                     first + count
 *        v                             v
 *      +-------+-------+-------+-------+
 *      | entry | line  | line  | ...   |   rows, one per source line of the function and of the
 *      +-------+-------+-------+-------+   functions, lambdas and comprehensions inside it
 */
#ifndef MP_RECORD_LINES_H
#define MP_RECORD_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mp_line {
    int64_t memory;
    int64_t increment;
    int64_t peak;
    uint64_t occurrences; /* 0: never completed, the other fields mean nothing */
    uint64_t allocated, freed;
    int64_t heap_peak;
};

struct mp_line_table {
    int first;        /* number of the first line that has a row */
    int count;        /* rows */
    int entry;        /* line that carries the baseline */
    int64_t baseline; /* bytes; -1 until the function was entered */
    struct mp_line *rows;
    struct mp_lines_place
        *place; /* borrowed: where the rows are; NULL: the table owns them */
};

/* A table's figures where another process reads them: rows follow the baseline. */
struct mp_lines_place {
    int64_t baseline;
    struct mp_line rows[];
};

/* Rows for lines first to last, all unmeasured. Returns 0, or -1 with errno ENOMEM. */
int mp_line_table_init(struct mp_line_table *, int first, int last, int entry);
void mp_line_table_release(struct mp_line_table *);

/* Bytes of the table's place. */
static inline size_t mp_line_table_room(const struct mp_line_table *table)
{
    return sizeof(struct mp_lines_place) + (size_t)table->count * sizeof *table->rows;
}

/* Begins again, with nothing measured, in a place of zeros that outlives the table. */
void mp_line_table_move(struct mp_line_table *, struct mp_lines_place *);

/* The function is entered for the first time. */
static inline void mp_line_table_enter(struct mp_line_table *table, int64_t bytes)
{
    table->baseline = bytes;
    if (table->place)
        table->place->baseline = bytes;
}

/* The row of a line, or NULL when the line is outside the table. */
static inline struct mp_line *mp_line_table_row(const struct mp_line_table *table, int line)
{
    unsigned row = (unsigned)line - (unsigned)table->first;
    return row < (unsigned)table->count ? &table->rows[row] : (struct mp_line *)0;
}

/* Whether memory could be read when it completed; if not, nothing is known of it but how often it
   ran and what the allocators counted. */
static inline bool mp_line_is_read(const struct mp_line *line)
{
    return line->occurrences && line->memory >= 0;
}

/* Of its allocations, what the line did not free. */
static inline int64_t mp_line_net(const struct mp_line *line)
{
    return (int64_t)(line->allocated - line->freed);
}

/* The increment to show for a line: its deltas, with the baseline where it belongs. */
int64_t mp_line_table_increment(const struct mp_line_table *, int line);

#endif
