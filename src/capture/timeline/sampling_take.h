/* What a sampling is, and taking one sample: the process, on request its descendants, and what the
 * high-water mark saw. */
#ifndef MP_CAPTURE_TIMELINE_SAMPLING_TAKE_H
#define MP_CAPTURE_TIMELINE_SAMPLING_TAKE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "capture/process/meter.h"
#include "capture/process/peak.h"
#include "capture/process/tree.h"
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
    int64_t offset;        /* mp_clock_wall_offset() when it was opened */
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

/* One sample now, by the calling thread. 0, or -1 with errno (ESRCH: the process is gone). */
int mp_sampling_take(struct mp_sampling *);

#endif
