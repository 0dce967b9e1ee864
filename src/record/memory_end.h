/* What a control group's memory says of how a program ended: its limit, how near it was, whom the kernel
 * killed. Read by a recorder at its start and now and then; -1: not known. */
#ifndef MP_RECORD_MEMORY_END_H
#define MP_RECORD_MEMORY_END_H

#include <stdbool.h>
#include <stdint.h>

enum { MP_GROUP_PATH = 200, MP_GROUP_NEAR = 95 /* percent of the limit */ };

struct mp_group_memory {
    int64_t limit, high;      /* bytes; INT64_MAX: none; 0: nobody asked */
    int64_t kills, throttled; /* events of the group when recording began */
    int64_t stalled;          /* ns, likewise */
    int64_t time;             /* of the latest look: ns since the start; of it, bytes: */
    int64_t current, rss;     /* the group's, the process's */
    int64_t throttled_now, stalled_now;
    int64_t
        near; /* when memory was first within 5% of the limit, ns since the start; 0: never */
    char path[MP_GROUP_PATH]; /* of the group's directory, ended by NUL; empty: not known */
};

/* Whether so much is within 5% of the limit. */
static inline bool mp_group_is_near(const struct mp_group_memory *group, int64_t bytes)
{
    return group->limit > 0 && group->limit < INT64_MAX &&
           bytes >= group->limit / 100 * MP_GROUP_NEAR;
}

#endif
