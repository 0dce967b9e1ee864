/* Captures that are read together: a run's first process's and those of its children, or several. */
#ifndef MP_CMD_HEAP_RUN_H
#define MP_CMD_HEAP_RUN_H

#include <stdbool.h>

#include "aggregate/heap/kept.h"
#include "aggregate/heap/merge.h"
#include "aggregate/heap/moments.h"
#include "cmd/heap/range.h"
#include "report/heap/death.h"
#include "report/heap/processes.h"
#include "store/heap/members.h"
#include "store/heap/read.h"

struct mp_heap_run {
    struct mp_heap_capture capture; /* the one that was named */
    struct mp_heap_view view;       /* its, or all of the run's, as it was asked for */
    struct mp_heap_shown shown; /* of the one that was named, where a moment or range was */
    struct mp_heap_asked_range asked;
    struct mp_heap_instant
        instants[MP_HEAP_INSTANTS]; /* of the first, with what all held */
    size_t instant_count;
    const char *incomplete; /* why something may be missing, NULL when nothing is */
    struct mp_heap_merge merge;
    struct mp_heap_kept kept;           /* source text, of all of them */
    struct mp_heap_processes processes; /* empty when there is one alone */
    size_t running, gone, unknown;      /* processes whose captures are not closed */
    size_t unread; /* of several captures, those that cannot be read: that was said */
    size_t copies; /* of one that is among them */
    unsigned how;  /* of the flags below */
    size_t owners; /* of what is retained, that are kept of each process */
    struct mp_heap_death death; /* of the first that was killed for memory */
    char *why;                  /* owned: of several that are incomplete */
};

/* Reads the capture and, unless it is to be shown alone, those of the children of a run whose
   first it is. Says in one line what is wrong with it, or left out. Returns 0, or the exit code; the
   caller releases it either way. */
int mp_heap_run_read(struct mp_heap_run *, const char *path, bool alone);

/* The same, with the figures of a moment, or with growth. `asked` NULL: neither. */
int mp_heap_run_read_range(struct mp_heap_run *, const char *path, bool alone,
                           const struct mp_heap_asked_range *asked);

enum {
    MP_HEAP_RUN_ALONE = 1,   /* without children */
    MP_HEAP_RUN_SHARES = 2,  /* each process's shares of the stacks are kept, and owners */
    MP_HEAP_RUN_TYPES_AT = 4 /* types are of the moment that is asked for */
};

/* The same of several captures, each with its children; one of them is like the above. Those that cannot be
   read are said and left out, as long as there is another. A time that is asked for is that of the first, and
   refused where the others have other clocks. */
int mp_heap_run_read_all(struct mp_heap_run *, const struct mp_heap_members *, unsigned how,
                         const struct mp_heap_asked_range *asked);

/* Adds a part to what is said of what it lacks: "...; PART". */
void mp_heap_run_say_also(struct mp_heap_run *, const char *part);

/* What was named and, unless these are left out, the children of each. Returns 0, or the exit code, and why was
   said; the caller releases the members either way. */
int mp_heap_members_with_children(struct mp_heap_members *,
                                  const struct mp_heap_members *named, bool alone);

/* Makes `processes` of a capture that is shown alone that one. 0, or -1 with errno ENOMEM. */
int mp_heap_run_list(struct mp_heap_run *, const char *path);

/* The most bytes at once, and when (ns after the start): of several processes, of the moments that
   were sampled, or one's own peak if that is more. */
int64_t mp_heap_run_peak(const struct mp_heap_run *, int64_t *time);

/* Says what the figures lack, a line each, where what is written has no room for it. Returns the exit
   code. */
int mp_heap_run_warn(const struct mp_heap_run *, const char *path);

void mp_heap_run_release(struct mp_heap_run *);

#endif
