#include "store/dat/sleeps.h"

#include "base/saturate.h"

/* The sleeps that were over by then, in all. */
static int64_t slept_by(const struct mp_series *sleeps, int64_t time)
{
    size_t low = 0, high = sleeps->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sleeps->points[middle].time <= time)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? sleeps->points[low - 1].bytes : 0;
}

static int64_t moved(const void *sleeps, int64_t time)
{
    return mp_sum(time, slept_by(sleeps, time));
}

void mp_dat_add_sleeps(struct mp_timeline *timeline)
{
    struct mp_series *sleeps = &timeline->sleeps;
    if (!sleeps->count)
        return;
    for (size_t i = 1; i < sleeps->count; i++)
        sleeps->points[i].bytes =
            mp_sum(sleeps->points[i].bytes, sleeps->points[i - 1].bytes);
    mp_timeline_move(timeline, moved, sleeps);
    for (size_t i = 0; i < sleeps->count; i++)
        sleeps->points[i].time = mp_sum(sleeps->points[i].time, sleeps->points[i].bytes);
}
