/* The balance sheet of resident memory, as text and as JSON. */
#ifndef MP_REPORT_HEAP_BALANCE_H
#define MP_REPORT_HEAP_BALANCE_H

#include <stdio.h>

#include "record/heap.h"

/* A table of the peak and the end, as far as they were read; nothing without a reading. */
void mp_heap_put_balance(FILE *, const struct mp_heap_view *);

/* The member "balance" of the report, with its comma. */
void mp_heap_balance_json(FILE *, const struct mp_heap_view *);

#endif
