#include "aggregate/timeline/clocks.h"

#include <string.h>

#include "base/saturate.h"

bool mp_clocks_are_one(const struct mp_timeline *a, const struct mp_timeline *b)
{
    if (*a->identity.clock && *b->identity.clock)
        return !strcmp(a->identity.clock, b->identity.clock);
    return !strcmp(a->identity.host, b->identity.host);
}

/* The offset of a timeline's host; where none is given, of a host with the same clock; or NULL. */
static const struct mp_clock_offset *offset_of(const struct mp_timeline *timelines,
                                               size_t count, size_t which,
                                               const struct mp_clock_offset *offsets,
                                               size_t offset_count)
{
    for (size_t i = 0; i < offset_count; i++)
        if (!strcmp(offsets[i].host, timelines[which].identity.host))
            return &offsets[i];
    for (size_t i = 0; i < offset_count; i++)
        for (size_t j = 0; j < count; j++)
            if (!strcmp(offsets[i].host, timelines[j].identity.host) &&
                mp_clocks_are_one(&timelines[which], &timelines[j]))
                return &offsets[i];
    return NULL;
}

static int64_t earlier(const void *ahead, int64_t time)
{
    return mp_difference(time, *(const int64_t *)ahead);
}

static void move(struct mp_timeline *timeline, int64_t ahead)
{
    mp_timeline_move(timeline, earlier, &ahead);
    for (size_t i = 0; i < timeline->sleeps.count; i++)
        timeline->sleeps.points[i].time = earlier(&ahead, timeline->sleeps.points[i].time);
}

/* Whether none of the timelines before it has its clock. */
static bool is_first_of_clock(const struct mp_timeline *timelines, size_t which)
{
    for (size_t i = 0; i < which; i++)
        if (mp_clocks_are_one(&timelines[i], &timelines[which]))
            return false;
    return true;
}

/* Whether one of the offsets is that of the clock that the others were compared with: nothing. */
static bool is_stated(const struct mp_clock_offset *offsets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!offsets[i].ahead)
            return true;
    return false;
}

void mp_clocks_apply(struct mp_clocks *clocks, struct mp_timeline *timelines, size_t count,
                     struct mp_clock_offset *offsets, size_t offset_count)
{
    *clocks = (struct mp_clocks){0};
    for (size_t i = 0; i < count; i++) {
        const struct mp_clock_offset *offset =
            offset_of(timelines, count, i, offsets, offset_count);
        for (size_t j = 0; j < offset_count; j++)
            offsets[j].met |= !strcmp(offsets[j].host, timelines[i].identity.host);
        if (offset)
            move(&timelines[i], offset->ahead);
        else if (is_first_of_clock(timelines, i)) {
            if (clocks->unknown < MP_CLOCKS_NAMED)
                clocks->named[clocks->unknown] = timelines[i].identity.host;
            clocks->unknown++;
        }
    }
    if (clocks->unknown == 1 && !is_stated(offsets, offset_count))
        clocks->unknown = 0; /* the one that the others were compared with */
}
