/* Whether a running capture lost pages: somebody cut the file short and let it grow again, so that its
 * size is right and zeros are where something was. */
#ifndef MP_STORE_HEAP_HOLES_H
#define MP_STORE_HEAP_HOLES_H

#include <stdbool.h>

#include "record/heap.h"

/* One look at each page of the tables: some 10 ms for 512 MiB. */
bool mp_heap_has_holes(const struct mp_heap *);

#endif
