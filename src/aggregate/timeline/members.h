/* The members of a whole, many timelines of a cluster: in which order, what they are called, and which of them are
 * unlike the others.
 */
#ifndef MP_AGGREGATE_TIMELINE_MEMBERS_H
#define MP_AGGREGATE_TIMELINE_MEMBERS_H

#include "record/series.h"

enum mp_member_by { MP_MEMBER_BY_HOST, MP_MEMBER_BY_WORKER, MP_MEMBER_BY_RANK };
enum {
    MP_MEMBER_NAME = MP_IDENTITY_WORKER + MP_IDENTITY_HOST + 16,
    MP_MEMBER_WHOLE = MP_IDENTITY_HOST + MP_MEMBER_NAME, /* with its host */
};

struct mp_member {
    const struct mp_timeline *timeline; /* borrowed, as the file */
    const char *file;
    size_t number;           /* in the order that was given */
    int64_t from, to;        /* unix ns */
    int64_t peak, peak_time; /* of samples and marks */
    int64_t limit;           /* the lowest of its control group; -1 */
    bool killed;             /* for memory, or by SIGKILL */
    double unlike;           /* how much it differs from the others; 0: it does not */
};

struct mp_members {
    struct mp_member *items; /* owned; by host, then rank, worker, file */
    size_t count;
    size_t hosts;
    int64_t median; /* of the peaks */
};

/* Those timelines that have samples. 0, or -1 with errno ENOMEM; the caller releases it either way. */
int mp_members_init(struct mp_members *, const struct mp_timeline *,
                    const char *const *files, size_t count);
void mp_members_release(struct mp_members *);

/* What it belongs to: its host; its worker's name, its rank, or its file, whichever it has; its rank. */
const char *mp_member_key(const struct mp_identity *, const char *file, enum mp_member_by,
                          char text[MP_MEMBER_NAME]);

/* Whether the kernel killed for memory in its control group, or it ended by SIGKILL. */
bool mp_is_killed(const struct mp_timeline *);

/* Whether the timelines are of one whole, so that one clock says more than each one's own start: they name several
   ranks, workers or hosts, and there was a moment at which several ran. */
bool mp_members_are_whole(const struct mp_members *);

/* At most so many of those unlike the others, the most unlike first, or the highest where none is, as indices into
   the items. Returns how many. */
size_t mp_members_unlike(const struct mp_members *, size_t *which, size_t most);

#endif
