/* The processes of a run whose heaps are shown together: what each held by itself. */
#ifndef MP_REPORT_HEAP_PROCESSES_H
#define MP_REPORT_HEAP_PROCESSES_H

#include <stdint.h>
#include <stdio.h>

#include "report/heap_parts.h"

struct mp_heap_process {
    char *file;                 /* owned: its capture */
    int64_t pid, parent;        /* parent 0: the run's first */
    int64_t wall_start;         /* ns since 1970 */
    int64_t elapsed, peak_time; /* ns */
    int64_t peak, live;         /* bytes */
    bool clean;
    char command[MP_HEAP_COMMAND]; /* words with blanks between */
};

struct mp_heap_processes {
    struct mp_heap_process *processes; /* owned */
    size_t count, room;
    uint64_t unrecorded; /* more that joined the run, and have no capture here */
};

/* At most `most`, those with the largest peak first; the header is of all, and says how they were
   sampled. */
void mp_heap_put_processes(FILE *, const struct mp_heap_header *,
                           const struct mp_heap_processes *, size_t most,
                           const struct mp_heap_style *);

/* Two keys of an object. */
void mp_heap_processes_json(FILE *, const struct mp_heap_processes *);

#endif
