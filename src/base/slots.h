/* An index of numbers by the hash of what they stand for: open addressing, at most half full. A slot
 * has half of the hash beside the number, so that what the number stands for is looked at only where
 * it most likely is the same: in tables of millions each look is a cache miss. For the same reason
 * an index begins small and grows.
 *
 *     for (mp_slots_begin(&at, slots, hash); mp_slots_next(&at, slots);)
 *         if (is_same(at.number, wanted))
 *             return at.number;
 *     failed = mp_slots_put(&at, slots, new_number);
 */
#ifndef MP_BASE_SLOTS_H
#define MP_BASE_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mp_slots {
    uint64_t *slots; /* owned: the hash's upper half, and a number; 0: empty */
    size_t mask, count;
};

/* For so many numbers: up to there mp_slots_put() cannot fail. 0, or -1 with errno ENOMEM. */
int mp_slots_init(struct mp_slots *, size_t most);
void mp_slots_release(struct mp_slots *);

/* A search: behind it, where a new number goes. */
struct mp_slots_at {
    uint32_t hash;
    uint32_t number; /* that may be it; never 0 */
    size_t slot;
};

static inline void mp_slots_begin(struct mp_slots_at *at, const struct mp_slots *slots,
                                  uint64_t hash)
{
    *at = (struct mp_slots_at){.hash = (uint32_t)(hash >> 32)};
    at->slot = (at->hash & slots->mask) - 1;
}

/* Well before a search begins: its first slot will be in the cache. */
static inline void mp_slots_fetch(const struct mp_slots *slots, uint64_t hash)
{
    __builtin_prefetch(&slots->slots[(hash >> 32) & slots->mask]);
}

static inline bool mp_slots_next(struct mp_slots_at *at, const struct mp_slots *slots)
{
    uint64_t there;
    do {
        at->slot = (at->slot + 1) & slots->mask;
        there = slots->slots[at->slot];
    } while (there && there >> 32 != at->hash);
    at->number = (uint32_t)there;
    return there != 0;
}

/* 0, or -1 with errno ENOMEM. */
int mp_slots_put(const struct mp_slots_at *, struct mp_slots *, uint32_t number);

#endif
