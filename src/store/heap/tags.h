/* The tags of a capture: what may be in their table. */
#ifndef MP_STORE_HEAP_TAGS_H
#define MP_STORE_HEAP_TAGS_H

#include "record/heap.h"

/* What is wrong with one of them, at *at; NULL: nothing is. A border is listed once, and names are together no
   more than there is text. */
const char *mp_heap_tags_check(const struct mp_heap_view *, size_t *at);

#endif
