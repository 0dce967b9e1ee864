/* Who held objects at the end, on the page of a capture. */
#ifndef MP_REPORT_HEAP_PAGE_HOLDERS_H
#define MP_REPORT_HEAP_PAGE_HOLDERS_H

#include <stdio.h>

#include "report/heap/page_parts.h"

/* "holders": {objects, references, reached, rows: [[kind, of, path, objects, bytes, retained, others]]}, null where
   nobody asked who holds them, and the comma behind it. */
void mp_heap_page_holders(FILE *, const struct mp_heap_page *);

/* "keepers": [{member, name, objects, references, reached, rows}], the same of each process of several that says it: which
   member of the page it is of, and what it is called where that has others; rows are owners. And the comma behind it. */
void mp_heap_page_keepers(FILE *, const struct mp_heap_page *);

#endif
