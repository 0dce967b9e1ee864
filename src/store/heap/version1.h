/* Captures of version 1 of the format, which 1.0.0 wrote. Their tables are as they are now; only the
 * header was another, and what is missing in it: large mappings were not told from others.
 */
#ifndef MP_STORE_HEAP_VERSION1_H
#define MP_STORE_HEAP_VERSION1_H

#include "record/heap.h"
#include "store/heap/made.h"

enum { MP_HEAP_VERSION1 = 1 };

/* Makes the first `got` bytes of such a file, which are there in its place, a header of the
   present version. */
enum mp_heap_problem mp_heap_version1_convert(struct mp_heap_header *, size_t got,
                                              struct mp_heap_made *);

/* What had no line table was a thread, wherever its text was to be. */
void mp_heap_version1_codes(struct mp_heap_code *, size_t count);

#endif
