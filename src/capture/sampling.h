/* Sampling: one process's memory over time, taken by a native thread of this process.
 *
 *     mp_sampling_open    the meter is open, nothing is read
 *     mp_sampling_start   one sample by the caller, then the thread takes one every interval
 *     mp_sampling_stop    the thread is gone, one last sample by the caller
 *
 * The thread knows nothing of Python: no lock of the interpreter, every signal blocked, a small
 * stack, absolute deadlines (a late sample does not delay the next; deadlines that passed are
 * skipped and counted). It is gone while the process forks: a thread that pthread_atfork
 * restarts would still be counted by Python 3.12, which warns of forks with threads, so the
 * Python door also holds all sampling from before its fork until after that look.
 *
 * One thread owns a sampling; start, stop and take are not to be called at the same time.
 */
#ifndef MP_CAPTURE_SAMPLING_H
#define MP_CAPTURE_SAMPLING_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "capture/meter.h"
#include "capture/peak.h"
#include "capture/tree.h"
#include "record/samples.h"

struct mp_sampling_options {
    pid_t pid; /* 0: the calling process */
    enum mp_metric metric;
    bool sum_children; /* add the descendants' memory to each sample */
    bool each_child;   /* a row for each descendant after each sample */
    bool peak;         /* what the high-water mark saw belongs to `most` (RSS only) */
    bool peak_times;   /* and the thread looks at it at every tick, to know when */
    int64_t interval;  /* nanoseconds, at least 1 */
};

struct mp_sampling {
    struct mp_sampling_options options;
    struct mp_meter meter;
    struct mp_tree tree;
    struct mp_samples samples;
    struct mp_sample most; /* the highest memory known, and the tick that saw it */
    int error;             /* errno of the reading or thread start that ended it; else 0 */
    uint64_t late;         /* deadlines that passed while nobody could run */

    struct mp_peak peak; /* open while `peak_open` */
    bool peak_open;
    int64_t mark; /* another process's mark at the first sample; -1 before */

    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool started, running, stopping;
    pid_t tid;
    int64_t deadline;         /* of the next sample, CLOCK_MONOTONIC */
    struct mp_sampling *next; /* among those started */
};

/* Returns 0, or -1 with errno: what mp_meter_open says, or ENOMEM. */
int mp_sampling_open(struct mp_sampling *, const struct mp_sampling_options *);

/* One sample now, by the calling thread. 0, or -1 with errno (ESRCH: the process is gone). */
int mp_sampling_take(struct mp_sampling *);

/* 0, or -1 with errno (EAGAIN: no thread to be had) and nothing started. */
int mp_sampling_start(struct mp_sampling *);

/* Does nothing when not started. Waits for at most one reading. */
void mp_sampling_stop(struct mp_sampling *);

/* Stops first when started. */
void mp_sampling_release(struct mp_sampling *);

/* No sampling thread exists from hold until the matching resume; other threads' starts wait
   for it too, without blocking. */
void mp_sampling_hold(void);
void mp_sampling_resume(void);

#endif
