/* Tables of a heap capture's figures: text for people, CSV and JSON in bytes for programs.
 *
 *     at peak       live      total allocations  temporary  where
 *   976.7 KiB        0 B    4.8 MiB           5          4  work.py:3 load
 */
#ifndef MP_REPORT_HEAP_TABLE_H
#define MP_REPORT_HEAP_TABLE_H

#include <stdio.h>

#include "aggregate/heap/rows.h"
#include "report/heap/parts.h"
#include "report/heap/processes.h"

enum mp_heap_table_form { MP_HEAP_TABLE_TEXT, MP_HEAP_TABLE_CSV, MP_HEAP_TABLE_JSON };

struct mp_heap_table_options {
    enum mp_heap_table_form form;
    size_t most;            /* rows; the sum of the others is one more row */
    double least;           /* share of the whole that a row has at least, in text */
    const char *incomplete; /* NULL when nothing is missing */
    const struct mp_heap_style *style;         /* of names in text */
    const struct mp_heap_processes *processes; /* that rows are of; NULL: of code */
};

/* "line", "function" and so on, by grouping. */
extern const char *const mp_heap_grouping_names[];

/* The process that a row is of; NULL for sums, and for rows of code. */
const struct mp_heap_process *mp_heap_process_of(const struct mp_heap_table_options *,
                                                 const struct mp_heap_line *row);

/* The rows in the table's order. */
void mp_heap_table_print(FILE *, const struct mp_heap_rows *,
                         const struct mp_heap_table_options *);

/* Of the forms, the text. */
void mp_heap_table_text(FILE *, const struct mp_heap_rows *,
                        const struct mp_heap_table_options *);

/* One row for each of the threads, which are positions in the view. */
void mp_heap_table_threads(FILE *, const struct mp_heap_view *, const size_t *threads,
                           size_t count, const struct mp_heap_table_options *);

/* The JSON up to its rows, for both. */
void mp_heap_table_begin_json(FILE *, const struct mp_heap_header *, const char *by,
                              const struct mp_heap_table_options *);

#endif
