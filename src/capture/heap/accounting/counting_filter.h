/* A counting filter: which pages hold blocks that are known, when only few blocks are. One load
 * tells most frees that they are of no interest, before the biased lock is taken and the shadow's
 * cold cell is read.
 *
 *     page number, modulo slots  ─►  blocks known there; several pages share a slot
 *
 * Says "perhaps" too often, never "no" of a known block: whoever frees a block has its address
 * from whoever allocated it, and so sees that it was counted. A slot that is full stays so.
 */
#ifndef MP_CAPTURE_HEAP_ACCOUNTING_COUNTING_FILTER_H
#define MP_CAPTURE_HEAP_ACCOUNTING_COUNTING_FILTER_H

#include <stdbool.h>
#include <stdint.h>

enum { MP_COUNTING_FILTER_SLOTS = 1 << 17, MP_COUNTING_FILTER_PAGE_SHIFT = 12 };

struct mp_counting_filter {
    uint16_t blocks[MP_COUNTING_FILTER_SLOTS];
};

static inline uint16_t *mp_counting_filter_slot(struct mp_counting_filter *filter,
                                                uintptr_t address)
{
    return &filter->blocks[(address >> MP_COUNTING_FILTER_PAGE_SHIFT) %
                           MP_COUNTING_FILTER_SLOTS];
}

/* Whether a block that is known may begin here. Any thread. */
static inline bool mp_counting_filter_may_hold(struct mp_counting_filter *filter,
                                               uintptr_t address)
{
    return __atomic_load_n(mp_counting_filter_slot(filter, address), __ATOMIC_RELAXED);
}

/* One thread at a time changes it. */
static inline void mp_counting_filter_add(struct mp_counting_filter *filter,
                                          uintptr_t address)
{
    uint16_t *slot = mp_counting_filter_slot(filter, address);
    if (*slot < UINT16_MAX)
        __atomic_store_n(slot, (uint16_t)(*slot + 1), __ATOMIC_RELAXED);
}

static inline void mp_counting_filter_remove(struct mp_counting_filter *filter,
                                             uintptr_t address)
{
    uint16_t *slot = mp_counting_filter_slot(filter, address);
    if (*slot && *slot < UINT16_MAX)
        __atomic_store_n(slot, (uint16_t)(*slot - 1), __ATOMIC_RELAXED);
}

#endif
