/* Which stack allocated the block at an address, and its size: 4-byte cells in leaves of 4 MiB of
 * address space each.
 *
 *     address   | 13 bits: top | 13 bits: middle | 8 bits: page in the leaf | 14 bits |
 *                              lately used leaves: one load, one compare
 *
 * A page of 16 KiB is one of two kinds, whichever its first block finds:
 *
 *     a pool    of pymalloc's, with blocks of one size class behind a header of 48 bytes: a cell
 *               for each block, in a slab        [stack + 1: 24 | class - size: 7 | watched: 1]
 *     general   up to 32 blocks are in a list (sparse.h); if there are more, each has cells of the page's,
 *               one for each 16 bytes
 *               a block of 0 to 16 bytes         [stack 27 | size + 1]
 *               a larger one                     [stack 27 | LARGE] [size]
 *               of 4 GiB and more                [stack 27 | HUGE]  [size, low] [size, high]
 *
 * So the blocks of a pool cost 4 bytes each, and their cells are neighbours. A larger general block
 * owns the cells it uses, since no other block can start inside it. Blocks at odd multiples of 8
 * are in a small table beside.
 *
 * That a block is in a pool is a hint of the caller's, to be right of most blocks: whatever it says,
 * what was put is taken. A page whose pool has become one of another class changes with it; one in
 * which blocks of both kinds are alive is general until it is empty.
 *
 * One thread at a time; the caller has a lock. Allocates with mmap only.
 */
#ifndef MP_CAPTURE_HEAP_ACCOUNTING_SHADOW_H
#define MP_CAPTURE_HEAP_ACCOUNTING_SHADOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/heap/accounting/counting_filter.h"
#include "capture/heap/accounting/leaf.h"
#include "capture/heap/accounting/odd_blocks.h"

enum {
    MP_SHADOW_MIDDLE_BITS = 13,
    MP_SHADOW_NEAR = 64,
};

struct mp_shadow {
    struct {
        uintptr_t number; /* of the leaf, in address order */
        struct mp_shadow_leaf *leaf;
    } near[MP_SHADOW_NEAR];       /* none where there is a counting filter */
    struct mp_shadow_leaf ***top; /* owned: [1 << 13] of [1 << 13] leaves */
    struct mp_leaves leaves;
    struct mp_odd_blocks odd;
    struct mp_counting_filter *filter; /* borrowed; NULL: most blocks are known */
};

/* Where a block is that is put. */
enum mp_shadow_where {
    MP_SHADOW_ANYWHERE,
    MP_SHADOW_IN_POOL, /* of pymalloc's, as the first of its size there or as others of it */
    MP_SHADOW_AS_BEFORE, /* it was there, maybe larger: as what is there already */
};

/* `filter`: empty, or NULL; told of each block that is known or watched. 0, or -1 with errno
   ENOMEM. */
int mp_shadow_init(struct mp_shadow *, struct mp_counting_filter *filter);
void mp_shadow_release(struct mp_shadow *);

/* The slow ways of the two below. */
int mp_shadow_put_slow(struct mp_shadow *, uintptr_t address, size_t size, uint32_t stack,
                       enum mp_shadow_where);
struct mp_block mp_shadow_take_slow(struct mp_shadow *, uintptr_t address);

/* The leaf of an address if it was lately used, else NULL. */
static inline struct mp_shadow_leaf *mp_shadow_near(const struct mp_shadow *shadow,
                                                    uintptr_t address)
{
    uintptr_t number = address >> MP_SHADOW_LEAF_BITS;
    size_t slot = number % MP_SHADOW_NEAR;
    return __builtin_expect(shadow->near[slot].number == number, 1)
               ? shadow->near[slot].leaf
               : NULL;
}

/* What the page of an address says if its leaf was lately used, else that it is no pool. */
static inline uintptr_t mp_shadow_pool(const struct mp_shadow *shadow, uintptr_t address)
{
    uintptr_t number = address >> MP_SHADOW_LEAF_BITS;
    size_t slot = number % MP_SHADOW_NEAR;
    return __builtin_expect(shadow->near[slot].number == number, 1)
               ? shadow->near[slot].leaf->pools[mp_shadow_page(address)]
               : 0;
}

/* Notes a block; the address must not be known. 0, or -1 when there is no memory for it (the
   block is then not known). About 2 ns. */
static inline int mp_shadow_put(struct mp_shadow *shadow, uintptr_t address, size_t size,
                                uint32_t stack, enum mp_shadow_where where)
{
    uintptr_t pool = where == MP_SHADOW_IN_POOL ? mp_shadow_pool(shadow, address) : 0;
    size_t spare = (pool & MP_POOL_KIND_MASK) * (1 << MP_SHADOW_GRAIN_BITS) - size;
    uint32_t *cell = spare < 1 << MP_SHADOW_GRAIN_BITS ? mp_pool_cell(pool, address) : NULL;
    if (__builtin_expect(!cell, 0))
        return mp_shadow_put_slow(shadow, address, size, stack, where);
    *cell = (stack + 1) << MP_POOL_STACK_SHIFT | (uint32_t)spare << 1;
    return 0;
}

/* Forgets the block at an address and says what was known of it. About 2 ns. */
static inline struct mp_block mp_shadow_take(struct mp_shadow *shadow, uintptr_t address)
{
    uintptr_t pool = mp_shadow_pool(shadow, address);
    uint32_t *cell = mp_pool_cell(pool, address);
    if (!cell)
        return mp_shadow_take_slow(shadow, address);
    uint32_t value = *cell;
    *cell = 0;
    return mp_pool_block(value, pool);
}

/* The same of a block that is known and not watched, in a pool whose leaf was lately used; where it is not so,
   nothing has changed and false comes back. */
static inline bool mp_shadow_take_pooled(struct mp_shadow *shadow, uintptr_t address,
                                         struct mp_block *block)
{
    uintptr_t pool = mp_shadow_pool(shadow, address);
    uint32_t *cell = mp_pool_cell(pool, address);
    uint32_t value = cell ? *cell : 0;
    if (__builtin_expect(value < MP_POOL_LEAST || value & MP_POOL_WATCHED, 0))
        return false;
    *cell = 0;
    *block = mp_pool_block(value, pool);
    return true;
}

/* What is known of the block at an address, without forgetting it; its size, 0 where none is known. About 2 ns. */
struct mp_block mp_shadow_find_slow(const struct mp_shadow *, uintptr_t address);

static inline struct mp_block mp_shadow_find(const struct mp_shadow *shadow,
                                             uintptr_t address)
{
    uintptr_t pool = mp_shadow_pool(shadow, address);
    const uint32_t *cell = mp_pool_cell(pool, address);
    return cell ? mp_pool_block(*cell, pool) : mp_shadow_find_slow(shadow, address);
}

size_t mp_shadow_size(const struct mp_shadow *, uintptr_t address);

/* Calls back for each block that is known, in no order. About 3 ns a block, 0.3 ns an empty cell. */
void mp_shadow_each_block(const struct mp_shadow *,
                          void (*see)(void *context, uintptr_t address,
                                      const struct mp_block *),
                          void *context);

/* Bytes of address space that the shadow itself has. */
static inline size_t mp_shadow_mapped(const struct mp_shadow *shadow)
{
    return shadow->leaves.mapped + shadow->leaves.slabs.mapped;
}

/* Calls back for each stretch of it. */
void mp_shadow_each(const struct mp_shadow *,
                    void (*see)(void *context, const void *at, size_t bytes),
                    void *context);

/* Asks take() to tell of this block, known or not, of more than 16 bytes. 0, or -1. */
int mp_shadow_watch(struct mp_shadow *, uintptr_t address);
void mp_shadow_unwatch(struct mp_shadow *, uintptr_t address);

/* No block is left in so many bytes, which were pools: their slabs are given back. */
void mp_shadow_leave(struct mp_shadow *, uintptr_t address, size_t bytes);

/* Gives back the general cells of pages that have no block any more, if they are many: a system
   call for each stretch of them. */
void mp_shadow_trim(struct mp_shadow *);

#endif
