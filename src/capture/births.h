/* Births and deaths in a process tree, told by the kernel: even of children that live between
 * two rounds. One perf event per processor, inherited by every descendant, each with a ring of
 * FORK and EXIT records; reading an idle ring costs one load.
 *
 * Where perf events are forbidden (many containers) there is none of it: `count` is 0 and the
 * caller says that such children were not counted.
 */
#ifndef MP_CAPTURE_BIRTHS_H
#define MP_CAPTURE_BIRTHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mp_births {
    struct mp_births_ring *rings; /* owned */
    size_t count;                 /* rings; 0 when the kernel refuses */
    uint64_t lost;                /* records that did not fit */
};

/* Watches a process (not yet its existing descendants) and what it forks from now on.
   0, or -1 with errno and nothing open. */
int mp_births_open(struct mp_births *, pid_t root);
void mp_births_release(struct mp_births *);

typedef void mp_birth_seen(void *context, pid_t pid, pid_t parent, bool died);

/* Tells of every process (not thread) that was born or died since the last call. */
void mp_births_drain(struct mp_births *, mp_birth_seen *, void *context);

#endif
