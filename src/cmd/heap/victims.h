/* Of captures that are shown together, those whose processes were killed, or are workers of an engine: each is read
 * again by itself. */
#ifndef MP_CMD_HEAP_VICTIMS_H
#define MP_CMD_HEAP_VICTIMS_H

#include "aggregate/heap/tags.h"
#include "cmd/heap/views.h"
#include "report/heap/killed.h"

struct mp_heap_victims {
    struct mp_heap_killed killed; /* borrows the others */
    struct mp_heap_victim {
        struct mp_heap_capture capture;
        struct mp_heap_own own;
        struct mp_heap_lines lines;
        struct mp_heap_tags tags;
        struct mp_heap_paths paths;
    } victims[MP_HEAP_KILLED_MOST];
};

/* Borrows the views. 0, or -1 with errno ENOMEM; the caller releases it either way, and leaves it where it is
   meanwhile. */
int mp_heap_victims_init(struct mp_heap_victims *, const struct mp_heap_views *,
                         const struct mp_heap_mine *);

/* The same of workers whose engine said how much of their memory it does not manage: those with most of it. */
int mp_heap_victims_init_workers(struct mp_heap_victims *, const struct mp_heap_views *,
                                 const struct mp_heap_mine *);
void mp_heap_victims_release(struct mp_heap_victims *);

#endif
