/* What objects did not need when a recording ended: appended then, checked when it is read. */
#ifndef MP_STORE_HEAP_WASTE_H
#define MP_STORE_HEAP_WASTE_H

#include "record/heap.h"

/* Adds rows, whose texts are stretches of `text`. 0, or -1 with errno: then none of it is there. */
int mp_heap_keep_waste(struct mp_heap *, const struct mp_heap_waste *, size_t count,
                       const char *text, size_t size);

/* NULL, or what is wrong with item *at. */
const char *mp_heap_waste_check(const struct mp_heap_view *, size_t *at);

#endif
