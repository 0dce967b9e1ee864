#include "capture/heap/accounting/sample.h"

#include <math.h>

/* xorshift64*. */
static uint64_t next_random(struct mp_sample *sample)
{
    sample->random ^= sample->random >> 12;
    sample->random ^= sample->random << 25;
    sample->random ^= sample->random >> 27;
    return sample->random * 0x2545F4914F6CDD1Du;
}

void mp_sample_begin(struct mp_sample *sample, uint64_t period, uint64_t seed)
{
    sample->random = seed * 0x9E3779B97F4A7C15u | 1;
    next_random(sample);
    mp_sample_next(sample, period);
}

void mp_sample_next(struct mp_sample *sample, uint64_t period)
{
    double uniform = ((double)(next_random(sample) >> 11) + 0.5) / 9007199254740992.0;
    sample->until = (int64_t)ceil(-log(uniform) * (double)period);
}

/* The fraction decides for how many of the numbers it is one more. */
static uint32_t whole(double blocks, uint64_t number)
{
    double draw = (double)((number * 0x9E3779B97F4A7C15u) >> 11) / 9007199254740992.0;
    if (blocks >= UINT32_MAX)
        return UINT32_MAX;
    return (uint32_t)floor(blocks) + (draw < blocks - floor(blocks));
}

struct mp_weight mp_sample_weight(uint64_t period, uintptr_t address, size_t size,
                                  uint64_t draw)
{
    double bytes = size ? (double)size : 1.0;
    double blocks = -1.0 / expm1(-bytes / (double)period);
    return (struct mp_weight){.bytes = (uint64_t)llround((double)size * blocks),
                              .alive = whole(blocks, address),
                              .counted = whole(blocks, draw)};
}
