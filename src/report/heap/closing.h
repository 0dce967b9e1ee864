/* What `mprof heap` says when the program has ended:
 *
 *     peak 84.4 MiB of heap, 61.1 MiB of it from report.py:23 daily_means */
#ifndef MP_REPORT_HEAP_CLOSING_H
#define MP_REPORT_HEAP_CLOSING_H

#include "aggregate/heap/own.h"
#include "report/heap/parts.h"

/* Without a newline. 0, or -1 with errno ENOMEM. */
int mp_heap_put_closing(FILE *, const struct mp_heap_view *, const struct mp_heap_own *,
                        const struct mp_heap_style *);

#endif
