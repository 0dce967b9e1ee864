/* The balance sheet of resident memory, as text and as JSON: of one process, or of a few beside
 * each other. */
#ifndef MP_REPORT_HEAP_BALANCE_H
#define MP_REPORT_HEAP_BALANCE_H

#include <stdio.h>

#include "report/heap/process.h"

enum { MP_HEAP_MOST_SHEETS = 4 /* beside each other: 80 columns */ };

/* A table of the peak and the end, as far as they were read; nothing without a reading. */
void mp_heap_put_balance(FILE *, const struct mp_heap_view *);

/* A column for each process: a table of their peaks, and one of their ends. */
void mp_heap_put_balances(FILE *, const struct mp_heap_header *,
                          const struct mp_heap_process *const *, size_t count);

/* The member "balance" of an object, without a comma. */
void mp_heap_balance_json(FILE *, const struct mp_heap_sheet[MP_HEAP_READINGS]);

#endif
