/* A moment of the recording from which mprof top counts growth: one that was asked for, or its marks in turn. */
#ifndef MP_CMD_TOP_SINCE_H
#define MP_CMD_TOP_SINCE_H

#include "cmd/heap/range.h"
#include "cmd/top/members.h"

enum { MP_TOP_SINCE = MP_HEAP_MARK + 1 };

struct mp_top_since {
    char title[MP_TOP_SINCE]; /* "14:32:10", "warm", "3.2 s", "the start" */
    int64_t wall;             /* ns since 1970 */
    int64_t heap;             /* bytes that all who are shown held then */
};

/* Counts from now on, when all hold `heap` bytes. */
void mp_top_since_now(struct mp_top_since *, int64_t heap);

/* Counts from a moment on: each process from its own of that kind. Returns 0, or the exit code, and why was
   said. */
int mp_top_since_find(struct mp_top_since *, struct mp_top_members *,
                      const struct mp_heap_asked_range *);

/* How long ago that was, or how long before the end, s; 0: too short to divide by. */
double mp_top_since_seconds(const struct mp_top_since *, const struct mp_top_members *);

/* From `mprof leaks`' moment on: the one at a quarter of the time until now. */
struct mp_heap_asked_range mp_top_since_quarter(const struct mp_top_members *);

/* Asks for the last of the first process's marks that is before that, ns since 1970. Whether there is one. */
bool mp_top_since_mark_before(struct mp_heap_asked_range *, const struct mp_top_members *,
                              int64_t wall);

#endif
