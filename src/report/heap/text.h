/* A heap capture as text: which of the user's lines led to the peak, how high it was and when, what
 * held it, what is still live, what churns.
 * Bytes in; KiB, MiB or GiB out. Names and source are escaped for terminals. */
#ifndef MP_REPORT_HEAP_TEXT_H
#define MP_REPORT_HEAP_TEXT_H

#include <stdio.h>

#include "aggregate/heap/your_lines.h"
#include "report/heap/lines_table.h"

/* Sorts the lines, once for each table. `yours` NULL: nobody knows whose they are. */
void mp_heap_text(FILE *, const struct mp_heap_view *, struct mp_heap_lines *,
                  struct mp_heap_your_lines *yours, const struct mp_heap_text_options *);

#endif
