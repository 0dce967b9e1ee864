/* Processes by what they are to their cluster: by host, by worker, by rank. */
#ifndef MP_REPORT_HEAP_GROUPS_H
#define MP_REPORT_HEAP_GROUPS_H

#include <stdio.h>

#include "aggregate/heap/tags.h"
#include "report/heap/process.h"

enum { MP_HEAP_IDENTITY = MP_IDENTITY_HOST + MP_IDENTITY_RANK + MP_IDENTITY_WORKER + 32 };

/* One for each host, worker or rank, in the order of the first processes: its figures are sums, its command
   and file are what it is called, `members` how many processes it has, `pid` that of its only one, else 0. A worker without a name is a
   rank, or a process: a fork is its parent's worker, where that is there. 0, or -1 with errno ENOMEM; the caller releases it
   either way. */
int mp_heap_whose_init(struct mp_heap_processes *groups, const struct mp_heap_processes *,
                       enum mp_heap_whose);

/* One for each tag, the first of which is what has none. */
int mp_heap_tag_groups_init(struct mp_heap_processes *groups, const struct mp_heap_view *,
                            const struct mp_heap_tags *);

/* Which group each process is of, by their numbers in the lists; owned by the caller, NULL without
   memory. */
size_t *mp_heap_whose_of(const struct mp_heap_processes *groups,
                         const struct mp_heap_processes *, enum mp_heap_whose);

/* How many hosts the processes are of; 1 where none is known. */
size_t mp_heap_hosts(const struct mp_heap_processes *);

/* "worker w1, rank 3, on node2": what is known of it, of the host where there are several. */
const char *mp_heap_identity_words(const struct mp_heap_process *, bool hosts,
                                   char words[MP_HEAP_IDENTITY]);

#endif
