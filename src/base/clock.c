#include "base/clock.h"

#include <time.h>

int64_t mp_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int64_t mp_clock_suspended(void)
{
    struct timespec whole;
    int64_t running = mp_clock_ns();
    if (clock_gettime(CLOCK_BOOTTIME, &whole))
        return 0;
    return whole.tv_sec * INT64_C(1000000000) + whole.tv_nsec - running;
}

int64_t mp_clock_wall_offset(void)
{
    struct timespec wall;
    int64_t before = mp_clock_ns();
    clock_gettime(CLOCK_REALTIME, &wall);
    int64_t middle = before + (mp_clock_ns() - before) / 2;
    return wall.tv_sec * INT64_C(1000000000) + wall.tv_nsec - middle;
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
