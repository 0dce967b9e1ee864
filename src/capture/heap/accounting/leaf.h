/* A leaf of the shadow, for the shadow alone: the cells of 4 MiB of addresses, in pages of 16 KiB that
 * are pools or general (shadow.h draws both).
 *
 *     leaf  ─ pools[page] ─►  slab: a cell for each block of the pool
 *           ├ sparse[page] ─► a list, of a general page of at most 32 blocks
 *           └ cells      ─►  a cell for each 16 bytes of all its pages, resident where one has more
 *
 * Blocks are named by their grain: 16 bytes, counted from the leaf's beginning on.
 */
#ifndef MP_CAPTURE_HEAP_ACCOUNTING_LEAF_H
#define MP_CAPTURE_HEAP_ACCOUNTING_LEAF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/heap/accounting/slabs.h"
#include "capture/heap/accounting/sparse.h"

enum {
    MP_SHADOW_GRAIN_BITS = 4,
    MP_SHADOW_PAGE_BITS = 14,
    MP_SHADOW_LEAF_BITS = 22,
    MP_SHADOW_PAGE_GRAINS = 1 << (MP_SHADOW_PAGE_BITS - MP_SHADOW_GRAIN_BITS),
    MP_SHADOW_PAGES = 1 << (MP_SHADOW_LEAF_BITS - MP_SHADOW_PAGE_BITS),
    MP_SHADOW_STACKS = (1 << 24) - 1, /* stack numbers are below */
    MP_POOL_HEADER_GRAINS = 3,
    MP_POOL_MOST_GRAINS = 32, /* of a block */
    MP_POOL_NONE = 0,         /* what a page's word says in its lowest bits: general, */
    MP_POOL_MIXED = 63, /* and to stay so while there are general blocks; else grains */
    MP_POOL_KIND_MASK = 63,
    MP_POOL_WATCHED = 1,
    MP_POOL_SPARE_BITS = 7,
    MP_POOL_STACK_SHIFT = MP_POOL_SPARE_BITS + 1,
    MP_POOL_LEAST =
        1 << MP_POOL_STACK_SHIFT, /* a cell below is of no block that is known */
};

struct mp_shadow_leaf {
    uintptr_t pools[MP_SHADOW_PAGES]; /* the pool's slab | grains of its blocks */
    uint32_t *cells;                  /* owned: of general pages; NULL: there was none */
    uint16_t counts[MP_SHADOW_PAGES]; /* blocks of each general page */
    uint8_t touched[MP_SHADOW_PAGES]; /* whether its general cells are memory */
    struct mp_sparse sparse[MP_SHADOW_PAGES]; /* of a general page of few blocks: they */
};

/* What all leaves share. */
struct mp_leaves {
    struct mp_slabs slabs;
    size_t mapped;        /* bytes of address space, those of slabs not included */
    size_t touched, used; /* general pages that have memory; that have a block */
};

struct mp_block {
    uint32_t stack;
    size_t size;
    bool known;   /* put() and not taken since */
    bool watched; /* watch() was called on it */
};

static inline unsigned mp_shadow_page(uintptr_t address)
{
    return (address >> MP_SHADOW_PAGE_BITS) & (MP_SHADOW_PAGES - 1);
}

/* 2^32 / (16 * grains), rounded up; 0 where a page is no pool. */
extern const uint32_t mp_pool_reciprocals[MP_POOL_KIND_MASK + 1]
    __attribute__((visibility("hidden")));

/* The cell of the block at an address; NULL: its page is general, or no block of the pool begins
   there. */
static inline uint32_t *mp_pool_cell(uintptr_t pool, uintptr_t address)
{
    uint64_t grains = pool & MP_POOL_KIND_MASK;
    uint64_t at = address % (1 << MP_SHADOW_PAGE_BITS) -
                  (MP_POOL_HEADER_GRAINS << MP_SHADOW_GRAIN_BITS);
    uint64_t index = (at & UINT32_MAX) * mp_pool_reciprocals[grains] >> 32;
    if (__builtin_expect(index * grains << MP_SHADOW_GRAIN_BITS != at, 0))
        return NULL;
    return (uint32_t *)(pool & ~(uintptr_t)MP_POOL_KIND_MASK) + index;
}

/* What a cell of a pool says. */
static inline struct mp_block mp_pool_block(uint32_t value, uintptr_t pool)
{
    if (value < MP_POOL_LEAST)
        return (struct mp_block){.watched = value};
    uint32_t spare = (value >> 1) & ((1 << MP_POOL_SPARE_BITS) - 1);
    return (struct mp_block){
        .stack = (value >> MP_POOL_STACK_SHIFT) - 1,
        .size = (pool & MP_POOL_KIND_MASK) * (1 << MP_SHADOW_GRAIN_BITS) - spare,
        .known = true,
        .watched = value & MP_POOL_WATCHED};
}

static inline size_t mp_shadow_grain(uintptr_t address)
{
    return (address >> MP_SHADOW_GRAIN_BITS) &
           ((1 << (MP_SHADOW_LEAF_BITS - MP_SHADOW_GRAIN_BITS)) - 1);
}

static inline bool mp_shadow_is_pool(const struct mp_shadow_leaf *leaf, size_t page)
{
    uintptr_t kind = leaf->pools[page] & MP_POOL_KIND_MASK;
    return kind != MP_POOL_NONE && kind != MP_POOL_MIXED;
}

#endif
