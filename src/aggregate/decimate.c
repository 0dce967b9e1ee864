#include "aggregate/decimate.h"

struct bucket {
    size_t first, lowest, highest, last;
    bool any;
};

/* Of a time between from and to. */
static size_t bucket_of(int64_t time, int64_t from, int64_t to, size_t count)
{
    double share = to > from ? (double)(time - from) / (double)(to - from) : 0;
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
        bool after_gap = gap && i > start && point->time - point[-1].time > gap;
        if (its != now || after_gap) {
            failed = put_bucket(out, series, &bucket);
            bucket.any = false;
            now = its;
        }
        if (after_gap && !failed)
            failed = mp_series_add(out, point[-1].time + 1, MP_NO_DATA);
        take(&bucket, series->points, i);
    }
    return failed ? -1 : put_bucket(out, series, &bucket);
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
