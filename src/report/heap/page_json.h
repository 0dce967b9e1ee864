/* What the page of a heap capture draws, as JSON for its data block: docs/flamegraph.md. */
#ifndef MP_REPORT_HEAP_PAGE_JSON_H
#define MP_REPORT_HEAP_PAGE_JSON_H

#include <stdio.h>

#include "report/heap/page_parts.h"

/* 0, or -1 with errno ENOMEM; what was written then is of no use. */
int mp_heap_page_json(FILE *, const struct mp_heap_page *);

#endif
