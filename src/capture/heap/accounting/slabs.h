/* Zeroed pieces of memory of some lines of 64 bytes, for the cells of pools: a heap of small
 * objects has tens of thousands of them, and they come and go with its pools.
 *
 *     region of 1 MiB   | header | span | span | ...   as many as its address space holds
 *     span of 32 KiB    | header | slab | slab | ...   all of one size, taken from the left
 *
 * A span that is empty goes back to the system, unless no other of its size has room. Allocates
 * with mmap only.
 */
#ifndef MP_CAPTURE_HEAP_ACCOUNTING_SLABS_H
#define MP_CAPTURE_HEAP_ACCOUNTING_SLABS_H

#include <stddef.h>
#include <stdint.h>

enum { MP_SLAB_LINE = 64, MP_SLAB_MOST_LINES = 64 };

struct mp_slabs {
    struct mp_span *with_room[MP_SLAB_MOST_LINES + 1]; /* by lines of their slabs */
    struct mp_region *regions;                         /* owned */
    size_t mapped;                                     /* bytes of address space */
};

/* Zeroed, in pages of 4 KiB; NULL with errno. */
void *mp_take_pages(size_t bytes);

void mp_slabs_release(struct mp_slabs *);

/* Zeroed, at a multiple of 64; NULL where there is no memory. `bytes`: at most 4096. */
void *mp_slabs_take(struct mp_slabs *, size_t bytes);

/* One that was taken, and is zeroed again. */
void mp_slabs_give(struct mp_slabs *, void *slab);

/* Calls back for each stretch of memory. */
void mp_slabs_each(const struct mp_slabs *,
                   void (*see)(void *context, const void *at, size_t bytes), void *context);

#endif
