/* What of a heap keeps growing: the live bytes of each of the user's lines over the moments of a
 * capture.
 *
 * A moment lists the stacks that then held a part of the heap that is worth one; of one that is not listed it is
 * only known that it held less. It is taken to have held as much as that, or as it held next: growth is never
 * told too large. What the whole grew by beside all lines is in `rest`.
 */
#ifndef MP_AGGREGATE_HEAP_LEAKS_H
#define MP_AGGREGATE_HEAP_LEAKS_H

#include <stdbool.h>

#include "aggregate/heap/own.h"
#include "aggregate/heap/trend.h"

struct mp_heap_leak {
    uint32_t code; /* of the user's line; of the innermost where none led there */
    int line;
    bool is_users, is_import; /* import machinery that this line called */
    uint32_t inner;           /* the node that grew most: its frame is the innermost */
    struct mp_heap_trend trend;
    int64_t first, last; /* bytes at the first point, and at the last */
    int64_t blocks;      /* growth in blocks */
    int64_t live;        /* bytes now, or at the end */
    uint64_t total;      /* bytes that these stacks ever allocated */
    int64_t older; /* bytes that were there at the first point and still are, at least */
    bool freed_at_end; /* the last point is before the end: most was given back then */
};

struct mp_heap_leaks {
    struct mp_heap_leak *leaks; /* owned: those that grew; by kind, then by growth */
    uint32_t
        *places; /* owned; of each node: the number of its leak, from 1 on, or 0; NULL where
                         nobody counted what blocks are */
    size_t count, room;
    size_t counts[3]; /* of each kind of trend; imports are not in them */
    int64_t from, to; /* ns: the first and the last point */
    size_t points;    /* moments, the first and the last included */
    bool none_taken;  /* no moments: it was recorded so, or inside another recording */
    int64_t live_at_first, live_at_last;
    int64_t rest; /* growth that no line has */
    int64_t
        least; /* of a stack that grew by less its growth may be chance; 0: every block was recorded */
};

/* From the moment at `since` ns on, or the one before that. `lines`: of each node.
   0, or -1 with errno ENOMEM. The caller releases it either way. */
int mp_heap_leaks_init(struct mp_heap_leaks *, const struct mp_heap_view *,
                       const struct mp_heap_own *, const int *lines, int64_t since);
void mp_heap_leaks_release(struct mp_heap_leaks *);

#endif
