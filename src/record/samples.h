/* The vocabulary of memory over time: samples, and a bounded run of them.
 *
 * One *tick* is one look at the clock: a row of the process itself (pid 0), then, where children
 * are told apart, a row for each child with the same time.
 *
 *     at          bytes      pid
 *     17.000 s    52428800     0     tick
 *     17.000 s     9437184  4711       a child
 *     17.100 s    52432896     0     tick
 *
 * The rows are reserved once and take memory only as they fill. When few are left every pair of
 * ticks becomes the one with more memory: the run covers all its time at half the resolution,
 * and `halvings` says how often that happened.
 */
#ifndef MP_RECORD_SAMPLES_H
#define MP_RECORD_SAMPLES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mp_sample {
    int64_t at; /* CLOCK_REALTIME, nanoseconds */
    int64_t
        bytes; /* of the process (with its children when they are summed), or of one child */
    pid_t pid; /* 0: the process itself */
};

struct mp_samples {
    struct mp_sample *rows; /* owned */
    size_t count, room;
    unsigned halvings;
    uint64_t lost; /* rows of a tick too large for the room */
};

/* Reserves room for `most` rows, or for as many as there is address space (at least 1024).
   Returns 0, or -1 with errno ENOMEM. */
int mp_samples_init(struct mp_samples *, size_t most);
void mp_samples_release(struct mp_samples *);

/* Adds a row; a row of the process begins a tick, and only there is a full run halved. */
void mp_samples_add(struct mp_samples *, struct mp_sample);

#endif
