/* Which stack allocated the block at an address, and its size: a 4-byte cell per 16 bytes of
 * address space, reached by three loads.
 *
 *     address   | 13 bits: top | 13 bits: middle | 18 bits: cell in a 1 MiB leaf | 4 bits |
 *                                                  lately used leaves: one load, one compare
 *
 *     cells of  a block of 0 to 16 bytes   [stack 27 | size + 1]
 *               a larger one               [stack 27 | LARGE] [size]
 *               of 4 GiB and more          [stack 27 | HUGE]  [size, low] [size, high]
 *
 * A larger block owns the cells it uses, since no other block can start inside it. Blocks at odd
 * multiples of 8 (no allocator of Python's, but some that replace malloc) share their cell with a
 * neighbour and go into a small table beside. Untouched leaves cost addresses, not memory.
 *
 * One thread at a time; the caller has a lock. Allocates with mmap only.
 */
#ifndef MP_CAPTURE_SHADOW_H
#define MP_CAPTURE_SHADOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/sieve.h"

enum {
    MP_SHADOW_MIDDLE_BITS = 13,
    MP_SHADOW_LEAF_BITS = 18,
    MP_SHADOW_GRAIN_BITS = 4,
    MP_SHADOW_LEAF_SHIFT = MP_SHADOW_LEAF_BITS + MP_SHADOW_GRAIN_BITS,
    MP_SHADOW_STACKS = 1 << 27, /* stack numbers are below */
    MP_SHADOW_NEAR = 16,
    MP_CELL_KIND_BITS = 5,
    MP_CELL_KIND_MASK = (1 << MP_CELL_KIND_BITS) - 1,
};

/* What a cell says besides its stack. */
enum mp_cell_kind {
    MP_CELL_EMPTY = 0,
    MP_CELL_MOST_SMALL = 17, /* 1 to 17: sizes 0 to 16 */
    MP_CELL_LARGE = 18,
    MP_CELL_HUGE = 19,
    MP_CELL_WATCHED = 20,       /* no block of ours, but tell when it is freed */
    MP_CELL_WATCHED_LARGE = 21, /* LARGE, and tell */
};

struct mp_shadow_odd {
    uintptr_t address; /* 0: free */
    size_t size;
    uint32_t stack;
};

struct mp_shadow {
    struct {
        uintptr_t number; /* of the leaf, in address order */
        uint32_t *leaf;
    } near[MP_SHADOW_NEAR];    /* none where there is a sieve */
    uint32_t ***top;           /* owned: [1 << 13] of [1 << 13] leaves */
    struct mp_shadow_odd *odd; /* owned: open addressing */
    size_t odd_room, odd_count;
    size_t leaves;
    struct mp_sieve *sieve; /* borrowed; NULL: most blocks are known */
};

struct mp_block {
    uint32_t stack;
    size_t size;
    bool known;   /* put() and not taken since */
    bool watched; /* watch() was called on it */
};

/* `sieve`: empty, or NULL; told of each block that is known or watched. 0, or -1 with errno
   ENOMEM. */
int mp_shadow_init(struct mp_shadow *, struct mp_sieve *sieve);
void mp_shadow_release(struct mp_shadow *);

/* The slow ways of the two below. */
int mp_shadow_put_slow(struct mp_shadow *, uintptr_t address, size_t size, uint32_t stack);
struct mp_block mp_shadow_take_slow(struct mp_shadow *, uintptr_t address);

/* The cell of an address whose leaf was lately used, else NULL. */
static inline uint32_t *mp_shadow_near(const struct mp_shadow *shadow, uintptr_t address)
{
    uintptr_t number = address >> MP_SHADOW_LEAF_SHIFT;
    size_t slot = number % MP_SHADOW_NEAR;
    if (__builtin_expect(shadow->near[slot].number != number, 0) || address & 8)
        return NULL;
    return shadow->near[slot].leaf +
           ((address >> MP_SHADOW_GRAIN_BITS) & ((1 << MP_SHADOW_LEAF_BITS) - 1));
}

/* Of a block of less than 4 GiB. */
static inline void mp_cell_put(uint32_t *cell, size_t size, uint32_t stack)
{
    if (size < MP_CELL_MOST_SMALL) {
        *cell = stack << MP_CELL_KIND_BITS | (uint32_t)(size + 1);
    } else {
        cell[1] = (uint32_t)size;
        cell[0] = stack << MP_CELL_KIND_BITS | MP_CELL_LARGE;
    }
}

/* Of a block that is neither huge nor watched. */
static inline struct mp_block mp_cell_take(uint32_t *cell)
{
    uint32_t value = *cell, kind = value & MP_CELL_KIND_MASK;
    struct mp_block block = {.stack = value >> MP_CELL_KIND_BITS,
                             .size = kind - 1,
                             .known = kind != MP_CELL_EMPTY};
    cell[0] = MP_CELL_EMPTY;
    if (kind == MP_CELL_LARGE) {
        block.size = cell[1];
        cell[1] = MP_CELL_EMPTY; /* a block nobody told of may begin here next */
    }
    return block;
}

/* Notes a block; the address must not be known. 0, or -1 when there is no memory for it (the
   block is then not known). About 2 ns. */
static inline int mp_shadow_put(struct mp_shadow *shadow, uintptr_t address, size_t size,
                                uint32_t stack)
{
    uint32_t *cell = mp_shadow_near(shadow, address);
    if (__builtin_expect(!cell || size > UINT32_MAX, 0))
        return mp_shadow_put_slow(shadow, address, size, stack);
    mp_cell_put(cell, size, stack);
    return 0;
}

/* Forgets the block at an address and says what was known of it. About 2 ns. */
static inline struct mp_block mp_shadow_take(struct mp_shadow *shadow, uintptr_t address)
{
    uint32_t *cell = mp_shadow_near(shadow, address);
    if (__builtin_expect(!cell, 0))
        return mp_shadow_take_slow(shadow, address);
    if (__builtin_expect((*cell & MP_CELL_KIND_MASK) > MP_CELL_LARGE, 0))
        return mp_shadow_take_slow(shadow, address);
    return mp_cell_take(cell);
}

/* The size of the block at an address, 0 where none is known or it is at an odd multiple of 8. */
size_t mp_shadow_size(struct mp_shadow *, uintptr_t address);

/* Calls back for each stretch of memory that the shadow itself has. */
void mp_shadow_each(const struct mp_shadow *,
                    void (*see)(void *context, const void *at, size_t bytes),
                    void *context);

/* Asks take() to tell of this block, known or not, of more than 16 bytes. 0, or -1. */
int mp_shadow_watch(struct mp_shadow *, uintptr_t address);
void mp_shadow_unwatch(struct mp_shadow *, uintptr_t address);

#endif
