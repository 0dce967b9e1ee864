/* The disk that chunks of a capture do not use, which is most of a short run's file: it is given back, and
 * reads as zeros, as it did. Where that cannot be, nothing is lost.
 */
#ifndef MP_STORE_HEAP_SPARE_H
#define MP_STORE_HEAP_SPARE_H

#include "record/heap.h"

/* Of so many chunks of an open file, which has ended. */
void mp_heap_give_back(int fd, const struct mp_heap_header *,
                       const struct mp_heap_moment *moments, unsigned chunks);

/* The same of a file that another process has ended. */
void mp_heap_give_back_of(const char *path);

#endif
