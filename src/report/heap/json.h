/* A heap capture as JSON, in bytes and nanoseconds. docs/heap-views.md has the schemas. */
#ifndef MP_REPORT_HEAP_JSON_H
#define MP_REPORT_HEAP_JSON_H

#include <stdio.h>

#include "aggregate/heap/files.h"
#include "aggregate/heap/listing.h"
#include "aggregate/heap/types.h"
#include "aggregate/heap/your_lines.h"
#include "report/heap/death.h"
#include "report/heap/killed.h"
#include "report/heap/processes.h"
#include "report/heap/source.h"

struct mp_heap_json_options {
    const char *name;                          /* of the file */
    const char *incomplete;                    /* NULL when nothing is missing */
    const struct mp_heap_processes *processes; /* that are summed; NULL: one is shown */
    const struct mp_heap_type_rows *types;  /* by line, of what is live; NULL: not known */
    const struct mp_heap_death *death;      /* why it died, or NULL */
    const struct mp_heap_killed *killed;    /* of several processes, or NULL */
    const struct mp_heap_instant *instants; /* of several; NULL: the capture's own */
    size_t instant_count;
};

/* What each document begins with, up to its own keys. */
void mp_heap_json_begin(FILE *, const char *schema, const struct mp_heap_header *,
                        const struct mp_heap_json_options *);

/* "file", "line" and "function" of a place. */
void mp_heap_json_place(FILE *, const struct mp_heap_view *, uint32_t code, int line);

/* Totals, lines by their share of the peak with their callers, threads, the series. Sorts the
   lines. */
void mp_heap_json(FILE *, const struct mp_heap_view *, struct mp_heap_lines *,
                  struct mp_heap_your_lines *, const struct mp_heap_json_options *);

/* Which files hold most. */
void mp_heap_groups_json(FILE *, const struct mp_heap_view *, const struct mp_heap_groups *,
                         const struct mp_heap_json_options *);

/* The lines of one file that allocated. */
void mp_heap_listing_json(FILE *, const struct mp_heap_view *,
                          const struct mp_heap_listing *,
                          const struct mp_heap_source_text *,
                          const struct mp_heap_json_options *);

#endif
