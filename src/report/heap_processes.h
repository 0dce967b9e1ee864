/* The processes of a run whose heaps are shown together: what each held by itself. */
#ifndef MP_REPORT_HEAP_PROCESSES_H
#define MP_REPORT_HEAP_PROCESSES_H

#include <stdint.h>
#include <stdio.h>

#include "aggregate/heap_balance.h"
#include "aggregate/heap_lines.h"
#include "report/heap_parts.h"

struct mp_heap_process {
    char *file;                 /* owned: its capture */
    int64_t pid, parent;        /* parent 0: the run's first */
    int64_t wall_start;         /* ns since 1970 */
    int64_t elapsed, peak_time; /* ns */
    int64_t most_rss;           /* bytes, as sampled; -1 where it was not */
    struct mp_heap_line sum;    /* all that it allocated, at its own peak */
    struct mp_heap_sheet sheets[MP_HEAP_MOMENTS];
    bool clean;
    char command[MP_HEAP_COMMAND]; /* words with blanks between */
};

struct mp_heap_processes {
    struct mp_heap_process *processes; /* owned */
    size_t count, room;
    uint64_t unrecorded; /* more that joined the run, and have no capture here */
};

/* The file's name is copied. 0, or -1 with errno ENOMEM. */
int mp_heap_processes_add(struct mp_heap_processes *, const char *file,
                          const struct mp_heap_view *);
void mp_heap_processes_release(struct mp_heap_processes *);

/* At most `most`, those with the largest peak first; the header is of all, and says how they were
   sampled. */
void mp_heap_put_processes(FILE *, const struct mp_heap_header *,
                           const struct mp_heap_processes *, size_t most,
                           const struct mp_heap_style *);

/* One line for each, to be made rows: `line` is its number, from 1 on. 0, or -1 with errno. */
int mp_heap_process_lines(struct mp_heap_lines *, const struct mp_heap_processes *);

/* Where the RSS was of the largest few, at most `most`; of the others how to see it. */
void mp_heap_put_process_sheets(FILE *, const struct mp_heap_header *,
                                const struct mp_heap_processes *, size_t most,
                                const struct mp_heap_style *);

/* Whether any has a balance sheet. */
bool mp_heap_have_sheets(const struct mp_heap_processes *);

/* Two keys of an object. */
void mp_heap_processes_json(FILE *, const struct mp_heap_processes *);

#endif
