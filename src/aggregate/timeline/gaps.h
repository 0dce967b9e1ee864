/* Where a run has no samples: the machine was suspended, or the sampler was stopped. */
#ifndef MP_AGGREGATE_TIMELINE_GAPS_H
#define MP_AGGREGATE_TIMELINE_GAPS_H

#include "record/series.h"

struct mp_gap {
    int64_t from, to; /* unix ns: the samples around it, or the end */
    bool asleep;      /* the machine */
};

struct mp_gaps {
    struct mp_gap *items; /* owned */
    size_t count, room;
};

/* Those that lie in a window at least in part. 0, or -1 with errno ENOMEM. */
int mp_gaps_find(struct mp_gaps *, const struct mp_timeline *, int64_t from, int64_t to);
void mp_gaps_release(struct mp_gaps *);

#endif
