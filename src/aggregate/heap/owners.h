/* Of what retains much the largest, each with the one that keeps it alone. Of a file, figures may be any. */
#ifndef MP_AGGREGATE_HEAP_OWNERS_H
#define MP_AGGREGATE_HEAP_OWNERS_H

#include <stdbool.h>

#include "record/heap.h"

enum { MP_HEAP_OWNERS_MOST = 240 };

struct mp_heap_owners {
    const struct mp_heap_holder
        *all; /* the sum that they are parts of; NULL: nobody asked, there are none */
    size_t count;
    struct mp_heap_owned {
        const struct mp_heap_holder *row; /* borrowed from the view */
        uint32_t number;                  /* among its owners, from 1 on */
        uint32_t above; /* position of the one that keeps it, from 1 on; 0: none here */
    } owned[MP_HEAP_OWNERS_MOST]; /* the largest first, so that is before it */
};

/* At most `most` (MP_HEAP_OWNERS_MOST) of those that retain a part of all, `least` of which it has. */
void mp_heap_owners_choose(struct mp_heap_owners *, const struct mp_heap_view *,
                           size_t most, uint64_t least);

/* The same, kept while others are read. */
struct mp_heap_owners_kept {
    struct mp_heap_holder all, *rows; /* the sum; owned: its owners, `others` is `above` */
    size_t count;
    char *text; /* owned: the rows' */
    bool known; /* who held the objects; else there are none */
};

/* 0, or -1 with errno ENOMEM; the caller releases it either way. */
int mp_heap_owners_keep(struct mp_heap_owners_kept *, const struct mp_heap_view *,
                        size_t most);
void mp_heap_owners_release(struct mp_heap_owners_kept *);

#endif
