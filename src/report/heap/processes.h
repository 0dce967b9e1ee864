/* The processes of a run whose heaps are shown together: what each held by itself. */
#ifndef MP_REPORT_HEAP_PROCESSES_H
#define MP_REPORT_HEAP_PROCESSES_H

#include <stdio.h>

#include "report/heap/process.h"

/* The file's name is copied. 0, or -1 with errno ENOMEM. */
int mp_heap_processes_add(struct mp_heap_processes *, const char *file,
                          const struct mp_heap_view *);
void mp_heap_processes_release(struct mp_heap_processes *);

/* At most `most`, those with the largest peak first; the header is of all, and says how they were
   sampled. */
void mp_heap_put_processes(FILE *, const struct mp_heap_header *,
                           const struct mp_heap_processes *, size_t most,
                           const struct mp_heap_style *);

/* Groups of them, the largest first, at most `most`. */
void mp_heap_put_groups(FILE *, const struct mp_heap_header *,
                        const struct mp_heap_processes *groups, const char *what,
                        size_t most, const struct mp_heap_style *);

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
