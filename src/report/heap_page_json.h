/* What the page of a heap capture draws, as JSON for its data block: docs/flamegraph.md. */
#ifndef MP_REPORT_HEAP_PAGE_JSON_H
#define MP_REPORT_HEAP_PAGE_JSON_H

#include <stdio.h>

#include "aggregate/flame.h"
#include "aggregate/heap_rows.h"
#include "report/heap_text.h"

struct mp_heap_page {
    const char *name;                  /* of the capture's file */
    const char *title;                 /* NULL: its name */
    const char *incomplete;            /* NULL when nothing is missing */
    const struct mp_flame *flame;      /* borrowed, as all of these */
    const struct mp_heap_rows *rows;   /* lines, those to be shown first */
    const struct mp_heap_paths *paths; /* short names of files */
    size_t most;                       /* rows to show; the others are summed */
    mp_heap_source *source;
    void *context;
};

/* 0, or -1 with errno ENOMEM and nothing written. */
int mp_heap_page_json(FILE *, const struct mp_heap_page *);

#endif
