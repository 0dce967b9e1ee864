/* What objects did not need, as it is read; holders.h writes it. */
#ifndef MP_STORE_HEAP_WASTE_H
#define MP_STORE_HEAP_WASTE_H

#include "record/heap.h"

/* NULL, or what is wrong with item *at. */
const char *mp_heap_waste_check(const struct mp_heap_view *, size_t *at);

#endif
