/* Where the members of a whole differ: by the user's own lines, the most that one of them held, and the
 * middle one. A group that held nothing there counts as 0.
 *
 *     etl.py:88 load     worker 7 12.0 MiB, median 4.0 MiB: 3.0 times
 */
#ifndef MP_AGGREGATE_HEAP_SPREAD_H
#define MP_AGGREGATE_HEAP_SPREAD_H

#include "aggregate/heap/lines.h"
#include "aggregate/heap/merge.h"

struct mp_heap_spread_row {
    uint32_t code;
    int line;
    bool users, importing;
    size_t who;                /* the group that held most */
    int64_t most, median, sum; /* bytes, each group at its own peaks */
    const int64_t *held;       /* borrowed: of each group */
};

struct mp_heap_spread {
    struct mp_heap_spread_row
        *rows;      /* owned; the largest difference from the median first */
    int64_t *table; /* owned: what the rows borrow */
    size_t count, groups;
};

/* Of the lines that held most, MP_HEAP_SPREAD_LINES of them. `groups_of`: of each process that was merged, with its
   shares kept, its group, from 0 to `groups`. What libraries hold is the user's line's that led there.
   0, or -1 with errno ENOMEM; the caller releases it either way. */
enum { MP_HEAP_SPREAD_LINES = 1000 };
int mp_heap_spread_init(struct mp_heap_spread *, const struct mp_heap_merge *,
                        const struct mp_heap_lines *, const size_t *groups_of,
                        size_t groups);
void mp_heap_spread_release(struct mp_heap_spread *);

#endif
