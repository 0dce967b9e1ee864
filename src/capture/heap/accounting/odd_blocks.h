/* Blocks at odd multiples of 8, which have no cell of their own: no allocator of Python's has them,
 * but some that replace malloc. Open addressing, by address.
 */
#ifndef MP_CAPTURE_HEAP_ACCOUNTING_ODD_BLOCKS_H
#define MP_CAPTURE_HEAP_ACCOUNTING_ODD_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

struct mp_odd_block {
    uintptr_t address; /* 0: free */
    size_t size;
    uint32_t stack;
};

struct mp_odd_blocks {
    struct mp_odd_block *all; /* owned */
    size_t room, count;
};

void mp_odd_blocks_release(struct mp_odd_blocks *);

/* 0, or -1 when there is no memory. */
int mp_odd_blocks_put(struct mp_odd_blocks *, struct mp_odd_block);

/* NULL where none is known. */
struct mp_odd_block *mp_odd_blocks_find(const struct mp_odd_blocks *, uintptr_t address);

/* One that find() gave. */
void mp_odd_blocks_remove(struct mp_odd_blocks *, struct mp_odd_block *);

#endif
