/* Where hosts, workers, ranks or processes differ, as text, CSV and JSON. */
#ifndef MP_REPORT_HEAP_SPREAD_H
#define MP_REPORT_HEAP_SPREAD_H

#include "aggregate/heap/spread.h"
#include "report/heap/table.h"

/* The rows of at most `options->most` lines; `options->processes` are the groups, `what` they are: "worker". */
void mp_heap_spread_print(FILE *, const struct mp_heap_view *,
                          const struct mp_heap_spread *, const char *what,
                          const struct mp_heap_table_options *);

#endif
