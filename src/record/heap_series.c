/* The time series of a heap: of each stretch of time the extremes, at their own times, and what was
 * so at its end.
 *
 *      points   . .:|:. .|       |.   .          a stretch without a point: nothing changed
 *      stay     lowest, highest, last of each
 */
#include "record/heap.h"

enum { ENOUGH = MP_HEAP_POINTS / 2 };

static int64_t stretch_of(const struct mp_heap_series *series, int64_t time)
{
    return series->interval > 0 ? time / series->interval : time;
}

/* The time first: between the two stores it says what was so until then. */
static void put(struct mp_heap_point *to, const struct mp_heap_point *from)
{
    __atomic_store_n(&to->time, from->time, __ATOMIC_RELAXED);
    __atomic_store_n(&to->rss, from->rss, __ATOMIC_RELEASE);
    __atomic_store_n(&to->heap, from->heap, __ATOMIC_RELEASE);
}

/* Which points of a stretch stay. Of equal heaps the one with the larger RSS is higher. */
struct extremes {
    uint32_t low, high, least, most;
};

static struct extremes extremes_of(const struct mp_heap_point *points, uint32_t count)
{
    struct extremes found = {0};
    for (uint32_t i = 1; i < count; i++) {
        const struct mp_heap_point *high = &points[found.high];
        if (points[i].heap < points[found.low].heap)
            found.low = i;
        if (points[i].heap > high->heap ||
            (points[i].heap == high->heap && points[i].rss > high->rss))
            found.high = i;
        if (points[i].rss < points[found.least].rss)
            found.least = i;
        if (points[i].rss > points[found.most].rss)
            found.most = i;
    }
    return found;
}

/* Moves what stays of a stretch to the front; how many they are. */
static uint32_t reduce(struct mp_heap_point *points, uint32_t count)
{
    struct extremes found = extremes_of(points, count);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool stays = i == found.low || i == found.high || i == found.least ||
                     i == found.most || i + 1 == count;
        if (stays && kept != i)
            put(&points[kept], &points[i]);
        kept += stays;
    }
    return kept;
}

/* Of all stretches; how many points there are then. */
static uint32_t reduce_all(const struct mp_heap_series *series,
                           struct mp_heap_point *points, uint32_t count)
{
    uint32_t kept = 0;
    for (uint32_t first = 0, end; first < count; first = end) {
        int64_t stretch = stretch_of(series, points[first].time);
        for (end = first; end < count && stretch_of(series, points[end].time) == stretch;)
            end++;
        uint32_t its = reduce(&points[first], end - first);
        memmove(&points[kept], &points[first], its * sizeof *points);
        kept += its;
    }
    return kept;
}

/* Stretches of twice the time, or more, in the other bank, which then is the series. */
static void halve(struct mp_heap_series *series)
{
    uint32_t from = series->bank, to = !from, count = series->count[from];
    memcpy(series->points[to], series->points[from], count * sizeof *series->points[to]);
    while (count > ENOUGH && series->interval < INT64_MAX / 2) {
        series->interval = series->interval > 0 ? series->interval * 2 : 1;
        count = reduce_all(series, series->points[to], count);
    }
    series->count[to] = count > ENOUGH ? ENOUGH : count; /* of times that cannot be */
    __atomic_store_n(&series->bank, to, __ATOMIC_RELEASE);
}

void mp_heap_series_add(struct mp_heap_series *series, struct mp_heap_point point)
{
    if (series->count[series->bank] >= MP_HEAP_POINTS)
        halve(series);
    struct mp_heap_point *points = series->points[series->bank];
    uint32_t count = series->count[series->bank], first = count;
    int64_t stretch = stretch_of(series, point.time);
    while (first && stretch_of(series, points[first - 1].time) == stretch)
        first--;
    put(&points[count], &point);
    count = first + reduce(&points[first], count + 1 - first);
    __atomic_store_n(&series->count[series->bank], count, __ATOMIC_RELEASE);
}
