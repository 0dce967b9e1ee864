/* A run of several processes: one capture each, side by side.
 *
 *     run.mprof           the first process; counts those that joined
 *     run.mprof.4711      a child, by its pid, with the same number in its header
 *     run.mprof.4711-1    a program that the same process became later
 */
#ifndef MP_STORE_HEAP_RUN_H
#define MP_STORE_HEAP_RUN_H

#include <stddef.h>
#include <stdint.h>

/* One more process joins the run whose first capture is `first`. Sets what kinds of memory are
   followed there, and how sparsely. 0, or -1 with errno: ESTALE another run's capture has that name now, EDQUOT the
   run has as many captures as it may have (the process is counted), or why it cannot be opened. */
int mp_heap_run_join(const char *first, uint64_t run, uint32_t *followed, uint64_t *sample);

/* Creates the calling process's file beside the first. Returns its descriptor and sets *path, the
   caller's to free, or -1 with errno. */
int mp_heap_run_create(const char *first, char **path);

/* The run a capture belongs to; 0 when it is not a capture. Links are not followed. */
uint64_t mp_heap_run_of(const char *path);

struct mp_heap_children {
    char **paths; /* owned, each too; by pid */
    size_t count, room;
};

/* The captures of other processes beside that of a run's first. 0, or -1 with errno; the caller
   releases them either way. */
int mp_heap_children_find(struct mp_heap_children *, const char *first);
void mp_heap_children_release(struct mp_heap_children *);

#endif
