/* A heap capture as text: the peak and when, what held it, what is still live, what churns.
 * Bytes in; KiB, MiB or GiB out. Names and source are escaped for terminals. */
#ifndef MP_REPORT_HEAP_TEXT_H
#define MP_REPORT_HEAP_TEXT_H

#include <stdio.h>

#include "aggregate/heap_lines.h"
#include "report/heap_parts.h"
#include "report/heap_processes.h"

/* Finds a line of source: its text and length, without the newline; NULL when there is none. */
typedef const char *mp_heap_source(void *context, const struct mp_heap_view *,
                                   struct mp_heap_text file, int line, size_t *length);

struct mp_heap_text_options {
    const char *name;              /* of the file */
    const char *incomplete;        /* NULL when nothing is missing */
    const struct mp_heap_own *own; /* NULL: all frames are shown */
    size_t most;                   /* lines in each table */
    double least;           /* the share that a line has at least to be one of them */
    mp_heap_source *source; /* NULL: no source lines */
    void *context;
    const struct mp_heap_processes *processes; /* that are summed; NULL: one is shown */
    struct mp_heap_style style;
};

/* Sorts the lines, once for each table. */
void mp_heap_text(FILE *, const struct mp_heap_view *, struct mp_heap_lines *,
                  const struct mp_heap_text_options *);

#endif
