/* The processes of several, on their page: where they differ, and what each of them held. */
#ifndef MP_REPORT_HEAP_PAGE_MEMBERS_H
#define MP_REPORT_HEAP_PAGE_MEMBERS_H

#include <stdio.h>

#include "report/heap/names.h"

/* "members": [[what it is called or "", pid or 0, bytes at its peak, its host]], null where they are not told apart, "spread": [[function,
   line, bytes of each]], and the comma behind it. */
void mp_heap_page_members(FILE *, const struct mp_heap_page *,
                          const struct mp_heap_names *);

/* Of a graph, with a comma before it: "members": [[frame, member, bytes, member, bytes...]]. */
void mp_heap_page_members_held(FILE *, const struct mp_heap_page *, size_t graph);

#endif
