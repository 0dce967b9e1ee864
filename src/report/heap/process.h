/* One process of a run, as reports name it, and all of them. */
#ifndef MP_REPORT_HEAP_PROCESS_H
#define MP_REPORT_HEAP_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aggregate/heap/balance.h"
#include "aggregate/heap/lines.h"
#include "aggregate/heap/owners.h"
#include "report/heap/parts.h"

struct mp_heap_process {
    char *file;             /* owned: its capture */
    int64_t pid, parent;    /* parent 0: the run's first */
    uint64_t run, children; /* of the run's first: how many joined */
    uint32_t code; /* of a tag: the line that most of it is at, 0: none; else not set */
    int line;
    size_t members; /* of a group of processes: how many they are; else 0 */
    struct mp_identity identity;
    int64_t wall_start;         /* ns since 1970 */
    int64_t elapsed, peak_time; /* ns */
    int64_t most_rss;           /* bytes, as sampled; -1 where it was not */
    struct mp_heap_line sum;    /* all that it allocated, at its own peak */
    struct mp_heap_engine engine;
    struct mp_heap_sheet sheets[MP_HEAP_READINGS];
    bool clean;
    struct mp_heap_owners_kept owners; /* owned; of those of a page */
    bool
        gone; /* it ended without closing its capture: it was killed, or became another (exec) */
    char command[MP_HEAP_COMMAND]; /* words with blanks between */
};

struct mp_heap_processes {
    struct mp_heap_process *processes; /* owned */
    size_t count, room;
    uint64_t unrecorded; /* more that joined the run, and have no capture here */
};

/* What processes are put together by. */
enum mp_heap_whose { MP_HEAP_BY_HOST, MP_HEAP_BY_WORKER, MP_HEAP_BY_RANK };

#endif
