/* Timelines of many machines on one clock: what each one's clock is ahead is taken off its times. Of one machine's
 * files, and its containers', the clock is one: they name the same boot. What nobody compared is counted, not guessed.
 */
#ifndef MP_AGGREGATE_TIMELINE_CLOCKS_H
#define MP_AGGREGATE_TIMELINE_CLOCKS_H

#include "record/series.h"

/* That a host's clock shows so much more than the others'. */
struct mp_clock_offset {
    char host[MP_IDENTITY_HOST];
    int64_t ahead; /* ns */
    bool met;      /* some timeline was of that host */
};

enum { MP_CLOCKS_NAMED = 4 };

struct mp_clocks {
    size_t unknown; /* clocks that nobody compared with the others; 0: all are one */
    const char *named[MP_CLOCKS_NAMED]; /* hosts of the first of these; borrowed */
};

/* Whether two timelines are of one clock. */
bool mp_clocks_are_one(const struct mp_timeline *, const struct mp_timeline *);

/* Moves the timelines' times. */
void mp_clocks_apply(struct mp_clocks *, struct mp_timeline *, size_t count,
                     struct mp_clock_offset *, size_t offset_count);

#endif
