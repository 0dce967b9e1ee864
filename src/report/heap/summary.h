/* A heap capture in figures: the peak, the end, RSS beside them, the threads. */
#ifndef MP_REPORT_HEAP_SUMMARY_H
#define MP_REPORT_HEAP_SUMMARY_H

#include "report/heap/parts.h"
#include "report/heap/processes.h"

/* Whose heap, when, for how long; and what is missing, said first. */
void mp_heap_put_title(FILE *, const struct mp_heap_view *, const char *name,
                       const char *incomplete, const struct mp_heap_style *);

/* What was not followed or is not in the file, a line each; nothing when all is there. */
void mp_heap_put_missing(FILE *, const struct mp_heap_header *, const char *incomplete);

void mp_heap_put_summary(FILE *, const struct mp_heap_view *, const struct mp_heap_style *);

/* At most `most` threads, those that allocated most bytes first; nothing for a single one. */
void mp_heap_put_threads(FILE *, const struct mp_heap_view *,
                         const struct mp_heap_processes *, size_t most);

#endif
