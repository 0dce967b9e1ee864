/* Which row of a live heap's a node, or a thread, belongs to; behind live.h, for its own files only. */
#ifndef MP_AGGREGATE_HEAP_LIVE_PLACE_H
#define MP_AGGREGATE_HEAP_LIVE_PLACE_H

#include "aggregate/heap/live_rows.h"

/* Finds the rows of all nodes that are new; of all, where it has come out that other code is the
   user's. 0, or -1 with errno ENOMEM. */
int mp_heap_live_place(struct mp_heap_live *, struct mp_heap_live_process *);

/* The row of a thread + 1; 0 with errno ENOMEM. */
uint32_t mp_heap_live_thread_row(struct mp_heap_live *, const struct mp_heap_live_process *,
                                 int64_t thread);

/* How much of a file's name need not be shown: it is below the working directory, in site-packages or in
   Python's library. */
uint32_t mp_heap_live_skip(const struct mp_heap_live *, const struct mp_heap_view *,
                           struct mp_heap_text file);

#endif
