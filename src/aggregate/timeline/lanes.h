/* The members of a whole as lanes below one another, in columns of time. Of many, a host is a lane, and so are those
 * members that are unlike the others.
 *
 *     node1 (8)    ▂▃▅▆▆▅▃    highest of 8, and the median
 *       rank 3     ▂▃▆██      unlike them: near its limit, killed, much higher
 *     node2 (8)    ▂▃▅▆▆▅▃
 */
#ifndef MP_AGGREGATE_TIMELINE_LANES_H
#define MP_AGGREGATE_TIMELINE_LANES_H

#include "aggregate/timeline/members.h"

struct mp_lane {
    char name[MP_MEMBER_WHOLE];
    size_t members;  /* how many it is of */
    bool beneath;    /* one of those of the lane above */
    size_t who;      /* of these the one with the highest peak, an index into the members */
    int64_t limit;   /* the lowest; -1 */
    int64_t *high;   /* owned; the highest in each column; MP_NO_DATA */
    int64_t *median; /* owned; of several; NULL: it is of one */
    int64_t *low;    /* likewise */
    struct mp_series kills; /* how many, in the place of bytes */
};

struct mp_lanes {
    int64_t from, to; /* unix ns */
    size_t columns;
    struct mp_lane *items; /* owned */
    size_t count;
    size_t left;        /* hosts without a lane, of very many */
    struct mp_lane all; /* of all members */
};

struct mp_lanes_options {
    int64_t from, to; /* unix ns; to -1: from the first sample to the last */
    size_t columns;
    size_t most; /* lanes, about: of more members, hosts and those unlike others have one */
};

/* 0, or -1 with errno ENOMEM; the caller releases it either way. */
int mp_lanes_init(struct mp_lanes *, const struct mp_members *,
                  const struct mp_lanes_options *);
void mp_lanes_release(struct mp_lanes *);

#endif
