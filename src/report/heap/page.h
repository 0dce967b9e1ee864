/* The page of a heap capture: flame graph, timeline and lines in one file that needs nothing
 * else. Built from web/ and linked in, as the timeline's page is. */
#ifndef MP_REPORT_HEAP_PAGE_H
#define MP_REPORT_HEAP_PAGE_H

#include <stdbool.h>

#include "report/heap/page_json.h"

/* Whether this build carries the page. */
bool mp_heap_page_is_built(void);

/* 0, or -1 with errno ENOMEM. */
int mp_heap_page(FILE *, const struct mp_heap_page *);

#endif
