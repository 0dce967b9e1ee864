/* The sampler: one program and, when asked, its whole tree, read round after round.
 *
 * A round of one process is one pread. A tree adds one pread that tells whether any process
 * was born anywhere since the last round (the kernel's latest process number, in
 * /proc/loadavg); only then is the tree listed again. A process once known is followed until it
 * is gone, also when its parent dies first. High-water marks are looked at seldom enough to
 * cost little (mark_period) and cover everything in between.
 */
#ifndef MP_CAPTURE_TIMELINE_SAMPLER_H
#define MP_CAPTURE_TIMELINE_SAMPLER_H

#include "capture/process/cgroup.h"
#include "capture/process/process.h"
#include "capture/timeline/fork_events.h"
#include "record/timeline.h"

struct mp_sampler_options {
    enum mp_metric metric;
    enum mp_mark_policy marks; /* only RSS has marks; others ignore it */
    bool children;             /* follow the whole tree */
    bool sum;                  /* the total is the tree's, not the root's */
    bool fork_events;          /* count forks: only of a program that has not forked yet */
    bool group;                /* read the control group too */
    bool cpu;                  /* CPU time too */
    int64_t interval;
    int64_t offset; /* from CLOCK_MONOTONIC to unix time */
};

struct mp_sampler {
    struct mp_sampler_options options; /* marks: what is in force */
    struct mp_process root;
    struct mp_process *children; /* owned, in order of appearance */
    size_t count, room;
    struct mp_reading *readings; /* owned: one per child, of the last round */
    size_t reading_room;
    struct mp_mark *marks; /* owned: of the last round */
    size_t mark_count, mark_room;
    struct mp_fork_events fork_events;
    struct mp_cgroup group;
    int64_t group_limit; /* as last reported */
    int64_t kills;       /* of the group, when they were last looked at; -1 */
    int64_t next_events; /* when to look again */
    int64_t suspended;   /* of the machine, at the round before */
    int loadavg;         /* descriptor; -1: list the tree in every round */
    char latest[96];     /* what it said */
    bool unreadable;     /* a child could not be read for want of rights */
    bool listed;         /* the tree was listed at least once */
    int64_t next_listing, next_look, looked;
    int64_t made;        /* when the round before was; 0: there was none */
    int64_t bound;       /* the largest total since the last look, for mp_round.bound */
    uint64_t lists;      /* listings made, for tests of work */
    uint64_t born, seen; /* processes by the kernel's count, and those we ever read */
    int64_t peak;        /* the largest total or bound-free mark so far */
    int64_t root_peak;   /* the largest reading or mark of the root */
};

/* Starts watching. 0, or -1 with errno (mp_process_open's). Not being able to count forks or
   to own marks is no failure: see fork_events.count and options.marks. */
int mp_sampler_init(struct mp_sampler *, pid_t root, const struct mp_sampler_options *);
void mp_sampler_release(struct mp_sampler *);

/* One round. The arrays in *round are borrowed until the next. -1 with errno ESRCH once the
   root is gone (or a zombie); EACCES when its PSS or USS may not be read. */
int mp_sampler_round(struct mp_sampler *, struct mp_round *round);

/* How many processes were born and died unread; -1 when the kernel would not say. */
int64_t mp_sampler_unsampled(struct mp_sampler *);

#endif
