#include "aggregate/timeline/decimate.h"

#include <stdlib.h>

#include "base/saturate.h"

enum { GAP_INTERVALS = 5, MOST_DISTANCES = 1000, FEWEST_DISTANCES = 8 };
#define SHORTEST_GAP (MP_SECOND / 5)

struct bucket {
    size_t first, lowest, highest, last;
    bool any;
};

/* Of a time between from and to. */
static size_t bucket_of(int64_t time, int64_t from, int64_t to, size_t count)
{
    double share =
        to > from ? (double)mp_difference(time, from) / (double)mp_difference(to, from) : 0;
    size_t at = (size_t)(share * (double)count);
    return at < count ? at : count - 1;
}

static void take(struct bucket *bucket, const struct mp_point *points, size_t i)
{
    if (!bucket->any)
        *bucket = (struct bucket){i, i, i, i, true};
    if (points[i].bytes < points[bucket->lowest].bytes)
        bucket->lowest = i;
    if (points[i].bytes > points[bucket->highest].bytes)
        bucket->highest = i;
    bucket->last = i;
}

/* Adds a point unless it is the one added last; marks a gap before it if there is one. */
static int put(struct mp_series *out, const struct mp_point *points, size_t i,
               size_t *added)
{
    if (*added == i)
        return 0;
    *added = i;
    return mp_series_add(out, points[i].time, points[i].bytes);
}

static int put_bucket(struct mp_series *out, const struct mp_series *series,
                      const struct bucket *bucket)
{
    const struct mp_point *points = series->points;
    size_t early = bucket->lowest < bucket->highest ? bucket->lowest : bucket->highest;
    size_t late = bucket->lowest < bucket->highest ? bucket->highest : bucket->lowest;
    size_t added = SIZE_MAX;
    if (!bucket->any)
        return 0;
    return put(out, points, bucket->first, &added) || put(out, points, early, &added) ||
                   put(out, points, late, &added) || put(out, points, bucket->last, &added)
               ? -1
               : 0;
}

static size_t first_from(const struct mp_series *series, int64_t time)
{
    size_t low = 0, high = series->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (series->points[middle].time < time)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int mp_decimate(const struct mp_series *series, int64_t from, int64_t to, size_t buckets,
                int64_t gap, struct mp_series *out)
{
    size_t start = first_from(series, from), end = start, now = 0;
    struct bucket bucket = {0};
    while (end < series->count && series->points[end].time <= to)
        end++;
    bool all = end - start <= 4 * buckets;
    int failed = 0;
    for (size_t i = start; i < end && !failed; i++) {
        const struct mp_point *point = &series->points[i];
        size_t its = all ? i : bucket_of(point->time, from, to, buckets);
        bool after_gap =
            gap && i > start && mp_difference(point->time, point[-1].time) > gap;
        if (its != now || after_gap) {
            failed = put_bucket(out, series, &bucket);
            bucket.any = false;
            now = its;
        }
        if (after_gap && !failed)
            failed = mp_series_add(out, mp_sum(point[-1].time, 1), MP_NO_DATA);
        take(&bucket, series->points, i);
    }
    return failed ? -1 : put_bucket(out, series, &bucket);
}

static int by_size(const void *left, const void *right)
{
    const int64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

/* The middle one of the distances between neighbours, all or some of them; 0: too few. */
static int64_t usual_distance(const struct mp_series *series)
{
    int64_t distances[MOST_DISTANCES];
    size_t count = series->count ? series->count - 1 : 0;
    size_t some = count < MOST_DISTANCES ? count : MOST_DISTANCES;
    if (count < FEWEST_DISTANCES)
        return 0;
    for (size_t i = 0; i < some; i++) {
        size_t at = count / some * i;
        distances[i] = mp_difference(series->points[at + 1].time, series->points[at].time);
    }
    qsort(distances, some, sizeof *distances, by_size);
    return distances[some / 2];
}

int64_t mp_gap_of(const struct mp_series *series, int64_t interval)
{
    int64_t usual = usual_distance(series), gap;
    if (usual < interval)
        usual = interval;
    if (usual <= 0)
        return 0;
    if (__builtin_mul_overflow(usual, GAP_INTERVALS, &gap))
        return 0;
    return gap > SHORTEST_GAP ? gap : SHORTEST_GAP;
}

int mp_put_corners(struct mp_series *series)
{
    struct mp_series out = {0};
    const struct mp_point *points = series->points;
    int failed = 0;
    for (size_t i = 0; i < series->count && !failed; i++) {
        bool step = i && points[i].bytes != points[i - 1].bytes &&
                    points[i].time > points[i - 1].time;
        failed = (step && mp_series_add(&out, points[i].time, points[i - 1].bytes)) ||
                 mp_series_add(&out, points[i].time, points[i].bytes);
    }
    free(series->points);
    *series = out;
    return failed ? -1 : 0;
}

int mp_clip_standing(const struct mp_series *series, int64_t from, int64_t to,
                     struct mp_series *out)
{
    const struct mp_point *points = series->points;
    size_t at = first_from(series, from);
    int failed = 0;
    if (at && (at == series->count || points[at].time > from))
        failed = mp_series_add(out, from, points[at - 1].bytes);
    for (; at < series->count && points[at].time <= to && !failed; at++)
        failed = mp_series_add(out, points[at].time, points[at].bytes);
    if (!failed && out->count && out->points[out->count - 1].time < to)
        failed = mp_series_add(out, to, out->points[out->count - 1].bytes);
    return failed ? -1 : 0;
}

void mp_decimate_columns(const struct mp_series *series, int64_t from, int64_t to,
                         size_t count, int64_t *low, int64_t *high)
{
    for (size_t i = 0; i < count; i++) {
        if (low)
            low[i] = MP_NO_DATA;
        if (high)
            high[i] = MP_NO_DATA;
    }
    for (size_t i = first_from(series, from);
         i < series->count && series->points[i].time <= to; i++) {
        size_t at = bucket_of(series->points[i].time, from, to, count);
        int64_t bytes = series->points[i].bytes;
        if (low && (low[at] == MP_NO_DATA || bytes < low[at]))
            low[at] = bytes;
        if (high && bytes > high[at])
            high[at] = bytes;
    }
}
