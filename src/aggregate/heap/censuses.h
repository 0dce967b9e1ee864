/* What the blocks of a capture were at each moment of which somebody counted it: the peak, marks, the end.
 *
 *     instants   start   "full"   peak   "less"   end
 *     counted            0        0      1        2        one count may be that of several moments
 */
#ifndef MP_AGGREGATE_HEAP_CENSUSES_H
#define MP_AGGREGATE_HEAP_CENSUSES_H

#include "aggregate/heap/moments.h"
#include "aggregate/heap/types.h"

struct mp_heap_counted {
    struct mp_heap_typing typing;
    struct mp_heap_type_rows rows; /* of each type */
};

struct mp_heap_censuses {
    struct mp_heap_counted *counted; /* owned; by the first moment that they are of */
    size_t count;
    int at
        [MP_HEAP_INSTANTS]; /* of each instant the number of its count; -1: nobody counted */
};

/* 0, or -1 with errno ENOMEM; release it either way. */
int mp_heap_censuses_init(struct mp_heap_censuses *, const struct mp_heap_view *,
                          const struct mp_heap_instant *instants, size_t count);
void mp_heap_censuses_release(struct mp_heap_censuses *);

#endif
