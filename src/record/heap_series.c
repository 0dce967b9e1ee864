#include "record/heap_series.h"

#include <stdbool.h>
#include <string.h>

enum { ENOUGH = MP_HEAP_POINTS / 2 };

static int64_t begin_of(const struct mp_heap_series *series, int64_t time)
{
    return series->interval > 0 ? time - time % series->interval : time;
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

static bool is_extreme(const struct extremes *found, uint32_t i)
{
    return i == found->low || i == found->high || i == found->least || i == found->most;
}

/* Bytes that point i, not the first, is from the one before. */
static uint64_t step_of(const struct mp_heap_point *points, uint32_t i)
{
    int64_t before = points[i - 1].heap, heap = points[i].heap;
    return heap < before ? (uint64_t)before - (uint64_t)heap
                         : (uint64_t)heap - (uint64_t)before;
}

static uint32_t drop(struct mp_heap_point *points, uint32_t count, uint32_t i)
{
    for (; i + 1 < count; i++)
        put(&points[i], &points[i + 1]);
    return count - 1;
}

/* Of those that need not stay the one without which the least is wrong, in bytes and time: the one
   before it stands in its place. There is one: more points than extremes and two ends. */
static uint32_t least_of(const struct mp_heap_point *points, uint32_t count,
                         const struct extremes *found)
{
    uint32_t least = 0;
    double wrong = 0;
    for (uint32_t i = 1; i + 1 < count; i++) {
        double its =
            (double)step_of(points, i) * (double)(points[i + 1].time - points[i].time);
        if (!is_extreme(found, i) && (!least || its < wrong)) {
            least = i;
            wrong = its;
        }
    }
    return least;
}

/* What stays of a stretch; how many they are. */
static uint32_t reduce(struct mp_heap_point *points, uint32_t count)
{
    while (count > MP_HEAP_STAY) {
        struct extremes found = extremes_of(points, count);
        count = drop(points, count, least_of(points, count, &found));
    }
    return count;
}

/* Of all stretches; how many points there are then. */
static uint32_t reduce_all(const struct mp_heap_series *series,
                           struct mp_heap_point *points, uint32_t count)
{
    uint32_t kept = 0;
    for (uint32_t first = 0, end; first < count; first = end) {
        int64_t begin = begin_of(series, points[first].time);
        for (end = first; end < count && begin_of(series, points[end].time) == begin;)
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

/* The one before the last: that it stays is settled once there is another. */
static uint32_t settle(struct mp_heap_point *points, uint32_t count, int64_t peak)
{
    if (count < 3 || step_of(points, count - 2) >= (uint64_t)mp_heap_small_step(peak))
        return reduce(points, count);
    struct extremes found = extremes_of(points, count);
    if (is_extreme(&found, count - 2))
        return reduce(points, count);
    return drop(points, count, count - 2);
}

void mp_heap_series_add(struct mp_heap_series *series, struct mp_heap_point point,
                        int64_t peak)
{
    if (series->count[series->bank] >= MP_HEAP_POINTS)
        halve(series);
    struct mp_heap_point *points = series->points[series->bank];
    uint32_t count = series->count[series->bank], first = count;
    int64_t begin = begin_of(series, point.time);
    while (first && points[first - 1].time >= begin)
        first--;
    put(&points[count], &point);
    count = first + settle(&points[first], count + 1 - first, peak);
    __atomic_store_n(&series->count[series->bank], count, __ATOMIC_RELEASE);
}
