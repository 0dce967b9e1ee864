/* What is shown on the page of a heap capture. */
#ifndef MP_REPORT_HEAP_PAGE_PARTS_H
#define MP_REPORT_HEAP_PAGE_PARTS_H

#include "aggregate/heap/flame.h"
#include "aggregate/heap/flame_members.h"
#include "aggregate/heap/flame_moments.h"
#include "aggregate/heap/flame_types.h"
#include "aggregate/heap/rows.h"
#include "aggregate/heap/spread.h"
#include "aggregate/heap/your_lines.h"
#include "report/heap/process.h"
#include "report/heap/text.h"

enum { MP_HEAP_GRAPHS = 4 }; /* each way with cycles drawn once and in full */

struct mp_heap_page {
    const char *name;                              /* of the capture's file */
    const char *title;                             /* NULL: its name */
    const char *incomplete;                        /* NULL when nothing is missing */
    const struct mp_flame *graphs[MP_HEAP_GRAPHS]; /* first what the page begins with */
    size_t graph_count;
    const struct mp_flame_moments *moments[MP_HEAP_GRAPHS]; /* of each; NULL: it has none */
    const struct mp_heap_instant *instants;                 /* by time */
    size_t instant_count;                                   /* that are shown */
    size_t known; /* of which there may be counts */
    const struct mp_heap_censuses *censuses;
    const struct mp_flame_types *typed[MP_HEAP_GRAPHS]; /* of each; NULL: nobody counted */
    const struct mp_heap_processes *processes; /* or groups of them; NULL: it is one */
    const struct mp_heap_processes *each;      /* those that are groups, or these */
    const size_t *member_of;                   /* which of `processes` each is of */
    const struct mp_heap_spread *spread;       /* where these differ */
    const struct mp_flame_members *members[MP_HEAP_GRAPHS]; /* of each; NULL as those */
    int from, to;  /* the growth that it begins with, or `to` alone; -1: the peak */
    bool inverted; /* it begins with callers below */
    const struct mp_heap_rows
        *rows; /* borrowed, as all of these; lines, those to be shown first */
    const struct mp_heap_your_lines *yours; /* those to be shown first */
    const struct mp_heap_paths *paths;      /* short names of files */
    size_t most; /* rows of a table to show; the others are summed */
    mp_heap_source *source;
    void *context;
};

#endif
