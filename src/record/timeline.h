/* The vocabulary of timelines. Read this first.
 *
 * A *run* is one program watched from outside. Every interval the sampler makes a *round*:
 *
 *     reading   bytes of one process at one moment
 *     total     the reading of the program, or the sum over its whole tree; what MEM records say
 *     mark      the largest RSS of one process between two moments (the kernel's high-water
 *               mark): true, but only known to lie somewhere in between
 *     bound     for a tree, the sum of the marks: its true peak is not above it
 *     cpu       CPU time spent since the round before, percent of one CPU in units of 1/MP_PERCENT
 *
 *     total        .                .
 *                 / \     mark ^   / \
 *            ----'   `--------- --'   `---
 *               |    |    |    |    |       rounds
 *
 * Times are nanoseconds of unix time on a monotonic axis (one wall-clock anchor, taken at the
 * start). Memory is bytes. -1 says "not known".
 */
#ifndef MP_RECORD_TIMELINE_H
#define MP_RECORD_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MP_SECOND INT64_C(1000000000)
#define MP_MIB 1048576.0
#define MP_PERCENT INT64_C(1000000000)

struct mp_point {
    int64_t time;
    int64_t bytes;
};

struct mp_mark {
    int pid;
    int64_t bytes;
    int64_t from, to;
};

/* One process of a tree in one round. */
struct mp_reading {
    int pid, parent;
    int64_t bytes;
    int64_t cpu;   /* -1: not asked or not known */
    bool named;    /* its name is new or has changed */
    char name[64]; /* as the kernel has it; may hold any byte */
};

struct mp_round {
    struct mp_point total;
    const struct mp_reading
        *readings; /* borrowed; of the children when they are followed */
    size_t reading_count;
    const struct mp_mark *marks; /* borrowed; only those above what readings showed */
    size_t mark_count;
    struct mp_mark bound; /* bytes -1: none */
    int64_t group, limit; /* control group; -1: not asked or not known */
    int64_t cpu;          /* of all that total is of; -1: the same */
    int64_t kills; /* processes of the group killed for memory since the round before */
    int64_t slept; /* ns that the machine was suspended since then; 0 */
};

enum mp_ending {
    MP_ENDED_EXIT,
    MP_ENDED_SIGNAL,
    MP_ENDED_TIMEOUT,
    MP_ENDED_GONE,
    MP_ENDED_STOP
};

/* How a run ended. */
struct mp_run_end {
    enum mp_ending ending;
    int code; /* exit code or signal number */
    int64_t time;
    uint64_t rounds, late;
    int64_t unsampled; /* processes too short for the interval; -1: not counted */
    int64_t largest;   /* bytes: the largest ru_maxrss among processes waited for; -1 */
    /* Of the control group; -1: not known. */
    int64_t kills;     /* processes that the kernel killed for memory */
    int64_t throttled; /* times that it slowed the group down */
    int64_t stalled;   /* ns that were spent waiting for memory */
    int64_t limit;     /* bytes; -1: also where there is none */
};

/* One call of a decorated function, or one labelled block. */
struct mp_span {
    int name; /* index into the names */
    int level;
    int pid, thread; /* 0: not known (files of 0.61) */
    bool open;       /* it had not returned when the recording ended */
    struct mp_point enter, leave;
};

#endif
