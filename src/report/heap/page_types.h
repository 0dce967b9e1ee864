/* What the blocks of a capture are, and were when somebody counted, on its page. */
#ifndef MP_REPORT_HEAP_PAGE_TYPES_H
#define MP_REPORT_HEAP_PAGE_TYPES_H

#include <stdio.h>

#include "report/heap/page_parts.h"

/* "types": [[name, ...]] of all counts, "censuses": [{at, time, rows, more}], and the comma behind it. Rows are [number of the type,
   objects, bytes, bytes that they keep beside]; "more" is [how many, the same] of all without a row; "at" are the
   numbers of moments, "peak" and "end". */
void mp_heap_page_types(FILE *, const struct mp_heap_page *);

/* Of a graph, with a comma before it: "typed": [[count, type, frame, bytes, frame, bytes...]]. */
void mp_heap_page_typed(FILE *, const struct mp_heap_page *, size_t graph);

#endif
