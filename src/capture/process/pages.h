/* How much of a stretch of addresses is in memory, by mincore(2).
 *
 *     stride    |■■ ......|□■ ......|□□ ...     256 pages are asked of each stride, and stand
 *                                               for all of it
 *
 * With the smallest stride, which all that is small has, every page is asked. Of private memory of
 * no file a page is resident that was touched; of files and shared memory one that the kernel
 * keeps, which somebody else can have touched.
 */
#ifndef MP_CAPTURE_PROCESS_PAGES_H
#define MP_CAPTURE_PROCESS_PAGES_H

#include <stddef.h>
#include <stdint.h>

enum { MP_PAGES_ASKED = 256, MP_PAGES_TIMES = 128 };

/* The stride for which so many bytes take at most MP_PAGES_TIMES calls, some 0.2 ms. */
size_t mp_pages_stride(size_t bytes);

/* Resident bytes of the pages that lie wholly in the stretch, or -1 with errno. */
int64_t mp_pages_resident(uintptr_t start, size_t bytes, size_t stride);

/* The same of every page: some 0.3 ms a GiB. One thread at a time. 0 where it cannot be told. */
int64_t mp_pages_all_resident(uintptr_t start, size_t bytes);

/* Bytes of those pages that are not resident; 0 where it cannot be told. */
int64_t mp_pages_absent(uintptr_t start, size_t bytes, size_t stride);

#endif
