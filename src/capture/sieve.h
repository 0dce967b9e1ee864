/* Which pages hold blocks that are known, when only few blocks are: one load tells most frees that
 * they are of no interest, before the turn is taken and the shadow's cold cell is read.
 *
 *     page number, modulo slots  ─►  blocks known there; several pages share a slot
 *
 * Says "perhaps" too often, never "no" of a known block: whoever frees a block has its address
 * from whoever allocated it, and so sees that it was counted. A slot that is full stays so.
 */
#ifndef MP_CAPTURE_SIEVE_H
#define MP_CAPTURE_SIEVE_H

#include <stdbool.h>
#include <stdint.h>

enum { MP_SIEVE_SLOTS = 1 << 17, MP_SIEVE_PAGE_SHIFT = 12 };

struct mp_sieve {
    uint16_t blocks[MP_SIEVE_SLOTS];
};

static inline uint16_t *mp_sieve_slot(struct mp_sieve *sieve, uintptr_t address)
{
    return &sieve->blocks[(address >> MP_SIEVE_PAGE_SHIFT) % MP_SIEVE_SLOTS];
}

/* Whether a block that is known may begin here. Any thread. */
static inline bool mp_sieve_may_hold(struct mp_sieve *sieve, uintptr_t address)
{
    return __atomic_load_n(mp_sieve_slot(sieve, address), __ATOMIC_RELAXED);
}

/* One thread at a time changes it. */
static inline void mp_sieve_add(struct mp_sieve *sieve, uintptr_t address)
{
    uint16_t *slot = mp_sieve_slot(sieve, address);
    if (*slot < UINT16_MAX)
        __atomic_store_n(slot, (uint16_t)(*slot + 1), __ATOMIC_RELAXED);
}

static inline void mp_sieve_remove(struct mp_sieve *sieve, uintptr_t address)
{
    uint16_t *slot = mp_sieve_slot(sieve, address);
    if (*slot && *slot < UINT16_MAX)
        __atomic_store_n(slot, (uint16_t)(*slot - 1), __ATOMIC_RELAXED);
}

#endif
