/* A run's captures, read together: the first process's and those of its children. */
#ifndef MP_CMD_HEAP_RUN_H
#define MP_CMD_HEAP_RUN_H

#include <stdbool.h>

#include "aggregate/heap_merge.h"
#include "report/heap_processes.h"
#include "store/heap_read.h"

struct mp_heap_run {
    struct mp_heap_capture capture; /* the one that was named */
    struct mp_heap_view view;       /* its, or all of the run's */
    const char *incomplete;         /* why something may be missing, NULL when nothing is */
    struct mp_heap_merge merge;
    struct mp_heap_processes processes; /* empty when there is one alone */
    char *why;                          /* owned: of several that are incomplete */
};

/* Reads the capture and, unless it is to be shown alone, those of the children of a run whose
   first it is. Says in one line what is wrong with it, or left out. Returns 0, or the exit code; the
   caller releases it either way. */
int mp_heap_run_read(struct mp_heap_run *, const char *path, bool alone);

/* Makes `processes` of a capture that is shown alone that one. 0, or -1 with errno ENOMEM. */
int mp_heap_run_list(struct mp_heap_run *, const char *path);

/* The most bytes at once, and when (ns after the start): of several processes, of the moments that
   were sampled, or one's own peak if that is more. */
int64_t mp_heap_run_peak(const struct mp_heap_run *, int64_t *time);

void mp_heap_run_release(struct mp_heap_run *);

#endif
