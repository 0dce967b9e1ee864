/* What grew in a heap capture from one moment to another, and what shrank, as text. */
#ifndef MP_REPORT_HEAP_GROWTH_H
#define MP_REPORT_HEAP_GROWTH_H

#include <stdio.h>

#include "aggregate/heap/your_lines.h"
#include "report/heap/lines_table.h"

/* Of a view with growth. Sorts the lines, once for each table. `yours` NULL: nobody knows whose they
   are. */
void mp_heap_text_growth(FILE *, const struct mp_heap_view *, struct mp_heap_lines *,
                         struct mp_heap_your_lines *yours,
                         const struct mp_heap_text_options *);

#endif
