/* The curves of mprof top: what the recording has of the time before, then a point each look. When there are
 * very many every second one goes.
 */
#ifndef MP_CMD_TOP_HISTORY_H
#define MP_CMD_TOP_HISTORY_H

#include "record/heap.h"
#include "report/top/screen.h"

enum { MP_TOP_POINTS = 4096 };

struct mp_top_history {
    struct mp_top_point *points; /* owned */
    size_t count, room;
};

/* 0, or -1 with errno ENOMEM, as the next. */
int mp_top_history_add(struct mp_top_history *, int64_t time, int64_t first,
                       int64_t second);

/* The points of a heap's series. */
int mp_top_history_fill(struct mp_top_history *, const struct mp_heap_view *);

/* The largest of its first figures and of another that is known. */
int64_t mp_top_history_most(const struct mp_top_history *, int64_t known);
void mp_top_history_release(struct mp_top_history *);

#endif
