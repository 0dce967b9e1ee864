#include "aggregate/heap/series.h"

const struct mp_heap_point *mp_heap_points(const struct mp_heap_view *view, size_t *count)
{
    const struct mp_heap_series *series = &view->header->series;
    *count = series->count[series->bank];
    return *count ? series->points[series->bank] : NULL;
}

/* What was so at a time: the last point until then. */
static const struct mp_heap_point *at(const struct mp_heap_point *points, size_t count,
                                      int64_t time)
{
    const struct mp_heap_point *found = points;
    for (size_t i = 1; i < count && points[i].time <= time; i++)
        found = &points[i];
    return found;
}

struct mp_heap_marks mp_heap_marks(const struct mp_heap_view *view)
{
    size_t count;
    const struct mp_heap_point *points = mp_heap_points(view, &count);
    struct mp_heap_marks marks = {points, points, points};
    for (size_t i = 1; i < count; i++) {
        bool as_high = points[i].heap == marks.peak->heap;
        if (points[i].heap > marks.peak->heap ||
            (as_high && points[i].rss > marks.peak->rss))
            marks.peak = &points[i];
        if (points[i].rss > marks.most->rss)
            marks.most = &points[i];
        marks.end = &points[i];
    }
    if (view->range && view->range->is_at)
        marks.peak = at(points, count, view->range->to.time);
    return marks;
}

struct mp_heap_bounds mp_heap_bounds(const struct mp_heap_view *view)
{
    return mp_heap_is_at(view) ? (struct mp_heap_bounds){0} : view->together;
}

static void take(struct mp_heap_point *bucket, const struct mp_heap_point *point)
{
    bucket->rss = point->rss > bucket->rss ? point->rss : bucket->rss;
    bucket->heap = point->heap > bucket->heap ? point->heap : bucket->heap;
}

void mp_heap_buckets(const struct mp_heap_view *view, struct mp_heap_point *buckets,
                     size_t count)
{
    size_t points, at = 0;
    const struct mp_heap_point *point = mp_heap_points(view, &points);
    struct mp_heap_point before = {0};
    for (size_t i = 0; i < count; i++) {
        double end = (double)view->header->elapsed * (double)(i + 1) / (double)count;
        buckets[i] = before;
        for (; at < points && ((double)point[at].time < end || i + 1 == count); at++) {
            take(&buckets[i], &point[at]);
            before = point[at];
        }
    }
}
