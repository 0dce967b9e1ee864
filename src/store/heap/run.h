/* A run of several processes: one capture each, side by side.
 *
 *     run.mprof           the first process; counts those that joined
 *     run.mprof.4711      a child, by its pid, with the same number in its header
 *     run.mprof.4711-1    a program that the same process became later
 */
#ifndef MP_STORE_HEAP_RUN_H
#define MP_STORE_HEAP_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a run is recorded. */
struct mp_heap_terms {
    uint32_t followed; /* kinds of memory, as in the header */
    uint64_t sample;   /* bytes between samples */
    uint64_t most;     /* bytes that a file may have */
};

/* One more process joins the run whose first capture is `first`. Sets its terms. 0, or -1 with errno: ESTALE another run's capture has that name now, EDQUOT the
   run has as many captures as it may have (the process is counted), or why it cannot be opened. */
int mp_heap_run_join(const char *first, uint64_t run, struct mp_heap_terms *);

/* Creates the calling process's file beside the first. Returns its descriptor and sets *path, the
   caller's to free, or -1 with errno. */
int mp_heap_run_create(const char *first, char **path);

/* Whose capture this is. */
struct mp_heap_owner {
    uint64_t run;
    int64_t pid;
    bool followed; /* its children record too */
    bool closed;   /* nobody writes it any more */
};

/* 0, or -1 when there is no such capture. Links are not followed. */
int mp_heap_run_owner(const char *path, struct mp_heap_owner *);

/* The run a capture belongs to; 0 when it is not a capture. Links are not followed. */
uint64_t mp_heap_run_of(const char *path);

struct mp_heap_children {
    char **paths; /* owned, each too; by pid */
    size_t count, room;
    size_t left_out; /* more than a run can have: copies, or made to hurt */
};

/* The captures of other processes beside that of a run's first; at most `most` of them (0: as many as the run
   may have), the others are counted. 0, or -1 with errno; the caller
   releases them either way. */
int mp_heap_children_find(struct mp_heap_children *, const char *first, size_t most);
void mp_heap_children_release(struct mp_heap_children *);

#endif
