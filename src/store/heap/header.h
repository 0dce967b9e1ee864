/* The header of a heap capture, of whichever version of the format: read as one of the present one.
 *
 *     file   version 1 ──► version1.c ──┐
 *            version 2 ─────────────────┴─► struct mp_heap_header, checked alike
 */
#ifndef MP_STORE_HEAP_HEADER_H
#define MP_STORE_HEAP_HEADER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "record/heap.h"
#include "store/heap/made.h"

/* As many bytes as there are, or -1. */
ssize_t mp_heap_read_at(int fd, void *to, size_t length, int64_t offset);

/* Its sizes are right, and nothing else is checked. `made` is filled in whatever the result. */
enum mp_heap_problem mp_heap_header_read(int fd, struct mp_heap_header *,
                                         struct mp_heap_made *);

#endif
