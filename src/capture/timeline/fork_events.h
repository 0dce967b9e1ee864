/* Forks and exits in a process tree, as events of the kernel: even of children that live between
 * two rounds. One perf event per processor, inherited by every descendant, each with a ring of
 * FORK and EXIT records; reading an idle ring costs one load.
 *
 * Where perf events are forbidden (many containers) there is none of it: `count` is 0 and the
 * caller says that such children were not counted.
 */
#ifndef MP_CAPTURE_TIMELINE_FORK_EVENTS_H
#define MP_CAPTURE_TIMELINE_FORK_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mp_fork_events {
    struct mp_fork_events_ring *rings; /* owned */
    size_t count;                      /* rings; 0 when the kernel refuses */
    uint64_t lost;                     /* records that did not fit */
};

/* Watches a process (not yet its existing descendants) and what it forks from now on.
   0, or -1 with errno and nothing open. */
int mp_fork_events_open(struct mp_fork_events *, pid_t root);
void mp_fork_events_release(struct mp_fork_events *);

typedef void mp_fork_event_seen(void *context, pid_t pid, pid_t parent, bool died);

/* Tells of every process (not thread) that was born or died since the last call. */
void mp_fork_events_drain(struct mp_fork_events *, mp_fork_event_seen *, void *context);

#endif
