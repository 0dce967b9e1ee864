/* Why a recorded program died, where its memory was why: the first lines of its report. */
#ifndef MP_REPORT_HEAP_DEATH_H
#define MP_REPORT_HEAP_DEATH_H

#include <stdio.h>

#include "aggregate/heap/your_lines.h"
#include "report/heap/parts.h"

enum mp_heap_death_how {
    MP_HEAP_DEATH_NONE,     /* it lives, ended well, or nothing is known */
    MP_HEAP_DEATH_KILLED,   /* the kernel says that it killed for memory in its group */
    MP_HEAP_DEATH_PERHAPS,  /* it was killed, and memory was near its limit */
    MP_HEAP_DEATH_THROTTLED /* it was slowed down at memory.high */
};

struct mp_heap_death {
    enum mp_heap_death_how how;
    struct mp_group_memory group;
    int64_t pid, wall; /* when it was last seen alive, ns since 1970 */
    int64_t rss;       /* then; -1: not known */
    bool marked;       /* there is a moment near the limit */
    bool alone;        /* it is the only process that is shown */
};

/* Of a capture, and whether it is not closed though its process is gone. `kills`: what the group says now, -1: it
   does not. */
struct mp_heap_death mp_heap_death_of(const struct mp_heap_view *, bool gone,
                                      int64_t kills);

/* `yours` NULL: nobody knows whose lines are. */
void mp_heap_put_death(FILE *, const struct mp_heap_death *, const struct mp_heap_view *,
                       const struct mp_heap_your_lines *yours,
                       const struct mp_heap_style *);

/* "death": null, or what is known, and the comma behind it. */
void mp_heap_death_json(FILE *, const struct mp_heap_death *);

#endif
