#include "base/clock.h"

#include <time.h>

enum { TRIES = 16, NARROW = 1000 /* ns */ };

static int64_t ns_of(struct timespec time)
{
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

int64_t mp_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return ns_of(now);
}

/* The other clock is read between two readings of ours, again where something took a while there. */
static int lead_of(int clock, int64_t *lead)
{
    int64_t narrowest = INT64_MAX;
    struct timespec now;
    for (int i = 0; i < TRIES && narrowest > NARROW; i++) {
        int64_t before = mp_clock_ns();
        if (clock_gettime(clock, &now))
            return -1;
        int64_t took = mp_clock_ns() - before;
        if (took >= narrowest)
            continue;
        narrowest = took;
        *lead = ns_of(now) - (before + took / 2);
    }
    return 0;
}

int64_t mp_clock_suspended(void)
{
    int64_t lead;
    return lead_of(CLOCK_BOOTTIME, &lead) ? 0 : lead;
}

int64_t mp_clock_wall_offset(void)
{
    int64_t lead = 0;
    lead_of(CLOCK_REALTIME, &lead);
    return lead;
}

uint64_t mp_clock_ticks_per_us(void)
{
    static uint64_t measured;
    if (!measured) {
        int64_t start = mp_clock_ns(), end;
        uint64_t ticks = mp_clock_ticks();
        do
            end = mp_clock_ns();
        while (end - start < 50000);
        uint64_t rate = (mp_clock_ticks() - ticks) * 1000 / (uint64_t)(end - start);
        measured = rate ? rate : 1;
    }
    return measured;
}
