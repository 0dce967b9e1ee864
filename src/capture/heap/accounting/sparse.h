/* The few blocks of a page of 16 KiB: a list in a slab, in no order, instead of a cell for each 16
 * bytes of the page.
 *
 *     [grain, known, watched | stack | size] [...]     5, 10, 21 or 32 places, as many as there must be
 */
#ifndef MP_CAPTURE_HEAP_ACCOUNTING_SPARSE_H
#define MP_CAPTURE_HEAP_ACCOUNTING_SPARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/heap/accounting/slabs.h"

enum { MP_SPARSE_MOST = 32 };

struct mp_sparse_block {
    uint16_t grain; /* in the page */
    bool known, watched;
    uint32_t stack, size;
};

/* A page's list; the caller counts what is in it. */
struct mp_sparse {
    uintptr_t word; /* its slab | how long it is; 0: there is none */
};

/* The block that begins there, among so many; NULL: none does. */
struct mp_sparse_block *mp_sparse_find(struct mp_sparse, size_t count, size_t grain);
struct mp_sparse_block *mp_sparse_blocks(struct mp_sparse);

/* Adds one to so many. Whether there was room for it, or could be made. */
bool mp_sparse_add(struct mp_sparse *, struct mp_slabs *, size_t count,
                   const struct mp_sparse_block *);

/* Takes one out of so many that find() gave. */
void mp_sparse_remove(struct mp_sparse, size_t count, struct mp_sparse_block *);

/* It has so many yet. */
void mp_sparse_release(struct mp_sparse *, struct mp_slabs *, size_t count);

#endif
