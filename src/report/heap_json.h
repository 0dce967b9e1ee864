/* A heap capture as JSON, in bytes and nanoseconds. docs/heap-views.md has the schemas. */
#ifndef MP_REPORT_HEAP_JSON_H
#define MP_REPORT_HEAP_JSON_H

#include <stdio.h>

#include "aggregate/heap_files.h"
#include "aggregate/heap_listing.h"
#include "report/heap_processes.h"
#include "report/heap_source.h"

struct mp_heap_json_options {
    const char *name;                          /* of the file */
    const char *incomplete;                    /* NULL when nothing is missing */
    const struct mp_heap_own *own;             /* NULL: all frames are shown */
    const struct mp_heap_processes *processes; /* that are summed; NULL: one is shown */
};

/* Totals, lines by their share of the peak with their callers, threads, the series. Sorts the
   lines. */
void mp_heap_json(FILE *, const struct mp_heap_view *, struct mp_heap_lines *,
                  const struct mp_heap_json_options *);

/* Which files hold most. */
void mp_heap_groups_json(FILE *, const struct mp_heap_view *, const struct mp_heap_groups *,
                         const struct mp_heap_json_options *);

/* The lines of one file that allocated. */
void mp_heap_listing_json(FILE *, const struct mp_heap_view *,
                          const struct mp_heap_listing *,
                          const struct mp_heap_source_text *,
                          const struct mp_heap_json_options *);

#endif
