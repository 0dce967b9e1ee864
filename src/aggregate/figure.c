#include "aggregate/figure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/decimate.h"
#include "aggregate/labels.h"
#include "aggregate/peak.h"

enum { FEWEST_BUCKETS = 8, GAP_INTERVALS = 5 };
enum { TELLING_BYTES = 1 << 18, TELLING_SHARE = 100, TELLING_TIME = 1000000 };
#define SHORTEST_GAP (MP_SECOND / 5)

static int append(struct mp_series *out, const struct mp_series *more)
{
    for (size_t i = 0; i < more->count; i++)
        if (mp_series_add(out, more->points[i].time, more->points[i].bytes))
            return -1;
    return 0;
}

/* What is known of a run's memory: samples, and the readings at function calls. A tree's total
   has nothing to do with the readings one process took. */
static int merge_readings(const struct mp_timeline *timeline, struct mp_series *out)
{
    if (append(out, &timeline->total))
        return -1;
    for (size_t i = 0; i < timeline->span_count; i++) {
        const struct mp_span *span = &timeline->spans[i];
        if (!mp_peak_counts_call(timeline, span))
            continue;
        if (mp_series_add(out, span->enter.time, span->enter.bytes) ||
            (!span->open && mp_series_add(out, span->leave.time, span->leave.bytes)))
            return -1;
    }
    mp_series_sort(out);
    return 0;
}

/* Least squares over the points of the window. */
static struct mp_trend trend_of(const struct mp_series *series,
                                const struct mp_figure_run *run)
{
    double n = 0, t = 0, m = 0, tt = 0, tm = 0;
    for (size_t i = 0; i < series->count; i++) {
        const struct mp_point *point = &series->points[i];
        if (point->time < run->from || point->time > run->to)
            continue;
        double x = (double)(point->time - run->start) / 1e9,
               y = (double)point->bytes / MP_MIB;
        n++;
        t += x;
        m += y;
        tt += x * x;
        tm += x * y;
    }
    double spread = n * tt - t * t;
    double slope = spread > 0 ? (n * tm - t * m) / spread : 0;
    return (struct mp_trend){slope, n ? (m - slope * t) / n : 0};
}

static int64_t peak_of(const struct mp_series *series, const struct mp_figure_run *run,
                       int64_t *time)
{
    int64_t top = -1;
    for (size_t i = 0; i < series->count; i++) {
        const struct mp_point *point = &series->points[i];
        if (point->time < run->from || point->time > run->to || point->bytes <= top)
            continue;
        top = point->bytes;
        *time = point->time;
    }
    return top;
}

static int make_curve(struct mp_figure_curve *curve, const struct mp_series *series,
                      const struct mp_figure_run *run, size_t buckets)
{
    int64_t interval = run->timeline->interval, gap = interval * GAP_INTERVALS, when;
    if (interval && gap < SHORTEST_GAP)
        gap = SHORTEST_GAP;
    curve->trend = trend_of(series, run);
    curve->peak = peak_of(series, run, &when);
    if (!series->count)
        return 0;
    /* a child lives in a part of the window only: all its buckets go there */
    int64_t first = series->points[0].time, last = series->points[series->count - 1].time;
    return mp_decimate(series, first > run->from ? first : run->from,
                       last < run->to ? last : run->to, buckets, gap, &curve->points);
}

/* Whether a mark says more than the readings around its range do; one a page or two above the
   next sample is only that sample's beginning. */
static bool is_telling(const struct mp_mark *mark, const struct mp_series *readings)
{
    const struct mp_point *points = readings->points;
    size_t low = 0, high = readings->count;
    int64_t top = 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (points[middle].time < mark->from)
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t i = low ? low - 1 : 0; i < readings->count; i++) {
        if (points[i].bytes > top)
            top = points[i].bytes;
        if (points[i].time > mark->to + TELLING_TIME)
            break;
    }
    return mark->bytes - top > TELLING_BYTES && mark->bytes - top > top / TELLING_SHARE;
}

/* A mark lies somewhere in its range: the middle stands for it. */
static int add_marks(struct mp_series *out, const struct mp_mark *marks, size_t count,
                     int pid, const struct mp_series *readings)
{
    for (size_t i = 0; i < count; i++)
        if ((!pid || marks[i].pid == pid) && is_telling(&marks[i], readings))
            if (mp_series_add(out, marks[i].from + (marks[i].to - marks[i].from) / 2,
                              marks[i].bytes))
                return -1;
    mp_series_sort(out);
    return 0;
}

/* The peak that `mprof peak` prints: a sample's or a mark's. */
static void set_true_peak(struct mp_figure_run *run)
{
    const struct mp_timeline *timeline = run->timeline;
    for (size_t i = 0; i < timeline->mark_count; i++) {
        const struct mp_mark *mark = &timeline->marks[i];
        bool its = timeline->tree || (timeline->pid && mark->pid == timeline->pid);
        if (!its || mark->bytes <= run->curve.peak || mark->to < run->from ||
            mark->from > run->to)
            continue;
        run->curve.peak = mark->bytes;
        run->peak_time = mark->from + (mark->to - mark->from) / 2;
    }
}

static int make_marks(struct mp_figure_run *run, size_t buckets)
{
    const struct mp_timeline *timeline = run->timeline;
    struct mp_series all = {0};
    run->bounds = timeline->tree;
    int failed =
        timeline->tree
            ? add_marks(&all, timeline->bounds, timeline->bound_count, 0, &timeline->total)
            : timeline->pid && add_marks(&all, timeline->marks, timeline->mark_count,
                                         timeline->pid, &timeline->total);
    if (!failed) {
        failed = mp_decimate(&all, run->from, run->to, buckets, 0, &run->marks);
        set_true_peak(run);
    }
    free(all.points);
    return failed;
}

static int by_peak(const void *left, const void *right)
{
    const struct mp_figure_child *a = left, *b = right;
    return (b->curve.peak > a->curve.peak) - (b->curve.peak < a->curve.peak);
}

static int make_child(struct mp_figure_run *run, const struct mp_track *track,
                      size_t buckets)
{
    const struct mp_timeline *timeline = run->timeline;
    struct mp_figure_child *child = &run->children[run->child_count];
    struct mp_series all = {0};
    *child = (struct mp_figure_child){.track = track};
    int failed =
        append(&all, &track->series) ||
        add_marks(&all, timeline->marks, timeline->mark_count, track->pid, &track->series);
    if (!failed)
        failed = make_curve(&child->curve, &all, run, buckets);
    free(all.points);
    run->child_count += child->curve.points.count > 0;
    return failed;
}

static int make_children(struct mp_figure_run *run, size_t buckets)
{
    const struct mp_timeline *timeline = run->timeline;
    size_t each = buckets / (timeline->track_count + 1);
    int failed = 0;
    if (each < FEWEST_BUCKETS)
        each = FEWEST_BUCKETS;
    run->children = calloc(timeline->track_count + 1, sizeof *run->children);
    if (!run->children)
        return -1;
    for (size_t i = 0; i < timeline->track_count && !failed; i++)
        if (timeline->tracks[i].series.count)
            failed = make_child(run, &timeline->tracks[i], each);
    qsort(run->children, run->child_count, sizeof *run->children, by_peak);
    return failed;
}

static int by_length(const void *left, const void *right)
{
    const struct mp_span *a = left, *b = right;
    int64_t first = a->leave.time - a->enter.time, second = b->leave.time - b->enter.time;
    return (second > first) - (second < first);
}

static int by_name_and_time(const void *left, const void *right)
{
    const struct mp_span *a = left, *b = right;
    if (a->name != b->name)
        return a->name - b->name;
    return (a->enter.time > b->enter.time) - (a->enter.time < b->enter.time);
}

static int make_spans(struct mp_figure_run *run, size_t most)
{
    const struct mp_timeline *timeline = run->timeline;
    run->spans = calloc(timeline->span_count + 1, sizeof *run->spans);
    run->labels = mp_labels_make(&timeline->names);
    if (!run->spans || !run->labels)
        return -1;
    for (size_t i = 0; i < timeline->span_count; i++)
        if (timeline->spans[i].leave.time >= run->from &&
            timeline->spans[i].enter.time <= run->to)
            run->spans[run->span_count++] = timeline->spans[i];
    if (run->span_count > most) {
        qsort(run->spans, run->span_count, sizeof *run->spans, by_length);
        run->spans_left_out = run->span_count - most;
        run->span_count = most;
    }
    qsort(run->spans, run->span_count, sizeof *run->spans, by_name_and_time);
    return 0;
}

static int64_t lowest_limit(const struct mp_series *limits)
{
    int64_t lowest = -1;
    for (size_t i = 0; i < limits->count; i++)
        if (lowest < 0 || limits->points[i].bytes < lowest)
            lowest = limits->points[i].bytes;
    return lowest;
}

static void set_window(struct mp_figure_run *run, const struct mp_series *readings,
                       const struct mp_figure_options *options)
{
    const struct mp_timeline *timeline = run->timeline;
    run->start = readings->points[0].time;
    run->from = run->start + options->from;
    run->to = readings->points[readings->count - 1].time;
    if (timeline->ended && timeline->end.time > run->to)
        run->to = timeline->end.time;
    if (options->to >= 0)
        run->to = run->start + options->to;
}

int mp_figure_run_init(struct mp_figure_run *run, const char *file,
                       const struct mp_timeline *timeline,
                       const struct mp_figure_options *options)
{
    struct mp_series readings = {0};
    *run = (struct mp_figure_run){.file = file, .timeline = timeline};
    int failed = merge_readings(timeline, &readings);
    if (!failed && !readings.count) {
        errno = ENODATA;
        failed = -1;
    }
    if (!failed) {
        set_window(run, &readings, options);
        run->limit = lowest_limit(&timeline->limits);
        failed = make_curve(&run->curve, &readings, run, options->buckets);
        peak_of(&readings, run, &run->peak_time);
    }
    free(readings.points);
    return failed || make_marks(run, options->buckets) ||
                   mp_decimate(&timeline->group, run->from, run->to, options->buckets, 0,
                               &run->group) ||
                   make_children(run, options->buckets) ||
                   (options->functions && make_spans(run, options->calls))
               ? -1
               : 0;
}

void mp_figure_run_release(struct mp_figure_run *run)
{
    for (size_t i = 0; i < run->child_count; i++)
        free(run->children[i].curve.points.points);
    for (size_t i = 0; run->labels && i < run->timeline->names.count; i++)
        free(run->labels[i]);
    free(run->labels);
    free(run->children);
    free(run->spans);
    free(run->curve.points.points);
    free(run->marks.points);
    free(run->group.points);
    *run = (struct mp_figure_run){0};
}
