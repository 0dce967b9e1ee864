/* A difference as one HTML page: a flame graph of both, red where it grew and blue where it shrank. */
#ifndef MP_REPORT_HEAP_DIFF_PAGE_H
#define MP_REPORT_HEAP_DIFF_PAGE_H

#include "aggregate/heap/diff_flame.h"
#include "report/heap/diff.h"

struct mp_heap_diff_page {
    const struct mp_heap_diff_view *view;
    const struct mp_diff_flame *flame;
};

/* Whether mprof was built with the page in it. */
bool mp_heap_diff_page_is_built(void);

/* 0; what is written to `out` may fail all the same. */
int mp_heap_diff_page(FILE *out, const struct mp_heap_diff_page *);

/* What is in it. */
void mp_heap_diff_page_json(FILE *, const struct mp_heap_diff_page *);

#endif
