/* The moments of a capture on its page, and what the frames of each graph held at them. */
#ifndef MP_REPORT_HEAP_PAGE_MOMENTS_H
#define MP_REPORT_HEAP_PAGE_MOMENTS_H

#include <stdio.h>

#include "report/heap/page_parts.h"

/* "moments": [[seconds, bytes, kind, name of a mark]], "chosen": [from, to], and the comma behind it. */
void mp_heap_page_moments(FILE *, const struct mp_heap_page *);

/* , "held": [[frame, instant, bytes, instant, bytes ...]], "rest": [bytes at each instant] */
void mp_heap_page_held(FILE *, const struct mp_heap_page *, size_t graph);

#endif
