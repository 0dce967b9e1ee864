#include "aggregate/timeline/gaps.h"

#include <stdlib.h>

#include "aggregate/timeline/decimate.h"
#include "base/array.h"
#include "base/saturate.h"

/* A machine that slept for a moment only is told of too, where it left a gap. */
static bool slept_within(const struct mp_series *sleeps, int64_t from, int64_t to)
{
    for (size_t i = 0; i < sleeps->count; i++)
        if (sleeps->points[i].time > from && sleeps->points[i].time <= to)
            return true;
    return false;
}

static int add(struct mp_gaps *gaps, const struct mp_timeline *timeline, int64_t from,
               int64_t to)
{
    if (mp_array_reserve((void **)&gaps->items, &gaps->room, gaps->count + 1,
                         sizeof *gaps->items))
        return -1;
    gaps->items[gaps->count++] =
        (struct mp_gap){from, to, slept_within(&timeline->sleeps, from, to)};
    return 0;
}

int mp_gaps_find(struct mp_gaps *gaps, const struct mp_timeline *timeline, int64_t from,
                 int64_t to)
{
    const struct mp_series *total = &timeline->total;
    int64_t least = mp_gap_of(total, timeline->interval);
    *gaps = (struct mp_gaps){0};
    for (size_t i = 0; !timeline->stands && least && i < total->count; i++) {
        int64_t start = total->points[i].time;
        int64_t end = i + 1 < total->count ? total->points[i + 1].time
                      : timeline->ended    ? timeline->end.time
                                           : start;
        if (mp_difference(end, start) > least && end > from && start < to &&
            add(gaps, timeline, start, end))
            return -1;
    }
    return 0;
}

void mp_gaps_release(struct mp_gaps *gaps)
{
    free(gaps->items);
    *gaps = (struct mp_gaps){0};
}
