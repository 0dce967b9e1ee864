/* A table of lines in a report: figures, the place, its source, who called it or what it called.
 *
 *        own  share       total  blocks  where
 *   62.6 MiB  74.1%    62.6 MiB  85,000  report.py:23 daily_means
 *                                            rows = list(csv.DictReader(io.StringIO(text)))
 *                                            35.1 MiB of it in csv.py:124 DictReader.__next__
 */
#ifndef MP_REPORT_HEAP_LINES_TABLE_H
#define MP_REPORT_HEAP_LINES_TABLE_H

#include <stdio.h>

#include "aggregate/heap/types.h"
#include "aggregate/heap/your_lines.h"
#include "report/heap/parts.h"
#include "report/heap/processes.h"

/* Finds a line of source: its text and length, without the newline; NULL when there is none. */
typedef const char *mp_heap_source(void *context, const struct mp_heap_view *,
                                   struct mp_heap_text file, int line, size_t *length);

struct mp_heap_death;
struct mp_heap_killed;

struct mp_heap_text_options {
    const char *name;       /* of the file */
    const char *incomplete; /* NULL when nothing is missing */
    size_t most;            /* lines in each table */
    double least;           /* the share that a line has at least to be one of them */
    mp_heap_source *source; /* NULL: no source lines */
    void *context;
    const struct mp_heap_type_rows *types; /* by line, of what is live; NULL: not known */
    const struct mp_heap_processes *processes; /* that are summed; NULL: one is shown */
    const struct mp_heap_death *death;         /* why it died, or NULL */
    const struct mp_heap_killed *killed;       /* of several, or NULL */
    struct mp_heap_style style;
};

/* What a table shows, of how much. */
struct mp_heap_lines_table {
    enum mp_heap_order order;
    const char *title;
    uint64_t whole;
    unsigned *marks; /* of the rows shown, in all tables */
    const struct mp_heap_view *view;
    const struct mp_heap_text_options *options;
};

/* Sorts the lines; nothing is put where none has anything. */
void mp_heap_put_lines(FILE *, const struct mp_heap_lines_table *, struct mp_heap_lines *);
void mp_heap_put_your_lines(FILE *, const struct mp_heap_lines_table *,
                            struct mp_heap_your_lines *);

#endif
