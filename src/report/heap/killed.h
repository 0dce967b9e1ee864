/* Of several processes those that were killed: what each held then, and where.
 *
 *     killed: worker 2, on node2, process 27: 380.1 MiB then; at its peak 310.5 MiB under task=devour, 300.1 MiB of it
 *     at etl.py:12 devour
 */
#ifndef MP_REPORT_HEAP_KILLED_H
#define MP_REPORT_HEAP_KILLED_H

#include <stdio.h>

#include "aggregate/heap/tags.h"
#include "report/heap/process.h"

enum { MP_HEAP_KILLED_MOST = 5, MP_HEAP_KILLED_TAGS = 2 };

struct mp_heap_killed {
    struct mp_heap_killed_row {
        const struct mp_heap_process *process; /* borrowed, as these */
        bool unsure; /* it is a plain copy, and may still have run when that was made */
        const struct mp_heap_view *view; /* its own; NULL: it has no line */
        const struct mp_heap_paths *paths;
        struct mp_heap_tagged
            held[MP_HEAP_KILLED_TAGS]; /* the most under a tag, or none, and its line */
        size_t count;                  /* of these */
        bool tagged;                   /* the program set tags */
    } rows[MP_HEAP_KILLED_MOST];
    size_t count, more; /* those that held most; others */
    bool hosts;         /* there are several */
};

/* A line for each, and an empty one. */
void mp_heap_put_killed(FILE *, const struct mp_heap_killed *,
                        const struct mp_heap_style *);

/* "310.5 MiB under task=devour, 300.1 MiB of it at etl.py:12 devour" */
void mp_heap_put_held(FILE *, const struct mp_heap_killed_row *,
                      const struct mp_heap_tagged *, struct mp_heap_style);

/* "killed": [...], and the comma behind it. NULL: none. */
void mp_heap_killed_json(FILE *, const struct mp_heap_killed *);

#endif
