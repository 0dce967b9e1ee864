/* Who held objects when a recording ended, or another process asked: written then, checked when it is read. */
#ifndef MP_STORE_HEAP_HOLDERS_H
#define MP_STORE_HEAP_HOLDERS_H

#include "record/heap.h"

/* Whose texts are stretches of `text`; borrowed. */
struct mp_heap_holder_rows {
    const struct mp_heap_holder *rows;
    size_t count;
    const char *text;
    size_t size;
};

struct mp_heap_waste_rows {
    const struct mp_heap_waste *rows;
    size_t count;
    const char *text;
    size_t size;
};

/* Puts both in place of those there are, as the answer to what `of` is the mark of, mp_heap_wants_mark(); `time`: ns
   since the start, 0 at the end. 0, or -1 with errno: then there are none. */
int mp_heap_keep_holders(struct mp_heap *, int64_t time, uint32_t of,
                         const struct mp_heap_holder_rows *,
                         const struct mp_heap_waste_rows *);

/* NULL, or what is wrong with item *at. */
const char *mp_heap_holders_check(const struct mp_heap_view *, size_t *at);

#endif
