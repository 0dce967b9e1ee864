/* Poisson sampling by bytes: of a stream of allocations each byte is hit with probability 1 in
 * `period`, and a block is recorded when one of its bytes is.
 *
 *     bytes   ├──── 40 KiB ────┼─ 700 B ─┼─ 64 B ─┼──────── 1 MiB ────────┤
 *     hits                                   ×                ×
 *     recorded                            as 512 KiB          as 1.2 MiB
 *
 * A block of s bytes is hit with probability p = 1 - exp(-s / period) and stands for 1 / p blocks,
 * which makes every sum unbiased. What it stands for while it lives follows from its size and
 * address alone, so that its end takes away what its beginning added.
 */
#ifndef MP_CAPTURE_HEAP_ACCOUNTING_SAMPLE_H
#define MP_CAPTURE_HEAP_ACCOUNTING_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One thread's. */
struct mp_sample {
    int64_t until; /* bytes to the next hit */
    uint64_t random;
};

/* What a block stands for. Blocks are whole ones, their fraction is drawn: by address for those
   that are alive at once, whose addresses differ; anew for those that came one after another,
   maybe all at one address. */
struct mp_weight {
    uint64_t bytes;
    uint32_t alive, counted;
};

/* `seed`: any number. `period` in bytes. */
void mp_sample_begin(struct mp_sample *, uint64_t period, uint64_t seed);

/* After a hit, a block that was not skipped: how far the next one is. */
void mp_sample_next(struct mp_sample *, uint64_t period);

/* `draw`: a number that is the next one at each call. */
struct mp_weight mp_sample_weight(uint64_t period, uintptr_t address, size_t size,
                                  uint64_t draw);

/* Whether a block is not to be recorded, which is counted then: one subtraction. A block of no
   bytes counts as one. */
static inline bool mp_sample_skips(struct mp_sample *sample, size_t size)
{
    int64_t until = sample->until - (size ? (int64_t)size : 1);
    if (until > 0)
        sample->until = until;
    return until > 0;
}

#endif
