#include "aggregate/timeline/figure.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/timeline/decimate.h"
#include "aggregate/timeline/labels.h"
#include "aggregate/timeline/peak.h"
#include "base/saturate.h"

enum { FEWEST_BUCKETS = 8 };
enum { TELLING_BYTES = 1 << 18, TELLING_SHARE = 100, TELLING_TIME = 1000000 };

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

static bool is_within(const struct mp_point *point, const struct mp_figure_run *run)
{
    return point->time >= run->from && point->time <= run->to;
}

/* What the points leave of a line, as its slope's standard error. `spread`: of their times. */
static double error_of(const struct mp_series *series, const struct mp_figure_run *run,
                       const struct mp_trend *trend, double n, double spread)
{
    double left = 0;
    for (size_t i = 0; i < series->count; i++) {
        const struct mp_point *point = &series->points[i];
        double x = (double)mp_difference(point->time, run->start) / 1e9;
        double off = (double)point->bytes / MP_MIB - trend->intercept - trend->slope * x;
        if (is_within(point, run))
            left += off * off;
    }
    return n > 2 && spread > 0 ? sqrt(left / (n - 2) / spread) : 0;
}

/* Least squares over the points of the window. */
static struct mp_trend trend_of(const struct mp_series *series,
                                const struct mp_figure_run *run)
{
    double n = 0, t = 0, m = 0, tt = 0, tm = 0;
    for (size_t i = 0; i < series->count; i++) {
        const struct mp_point *point = &series->points[i];
        if (!is_within(point, run))
            continue;
        double x = (double)mp_difference(point->time, run->start) / 1e9,
               y = (double)point->bytes / MP_MIB;
        n++;
        t += x;
        m += y;
        tt += x * x;
        tm += x * y;
    }
    double spread = n * tt - t * t;
    double slope = spread > 0 ? (n * tm - t * m) / spread : 0;
    struct mp_trend trend = {slope, n ? (m - slope * t) / n : 0, 0};
    trend.error = error_of(series, run, &trend, n, n ? spread / n : 0);
    return trend;
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

/* The points of a picture: of samples, broken where some are missing; of points that stand until
   the next, with its corners. */
static int make_points(struct mp_figure_curve *curve, const struct mp_series *series,
                       const struct mp_series *samples, const struct mp_figure_run *run,
                       size_t buckets)
{
    /* a child lives in a part of the window only: all its buckets go there */
    int64_t first = series->points[0].time, last = series->points[series->count - 1].time;
    int64_t gap = run->timeline->stands ? 0 : mp_gap_of(samples, run->timeline->interval);
    if (mp_decimate(series, first > run->from ? first : run->from,
                    last < run->to ? last : run->to, buckets, gap, &curve->points))
        return -1;
    return run->timeline->stands ? mp_put_corners(&curve->points) : 0;
}

/* `samples` of the series were taken one by one, the rest is what else is known. */
static int make_curve(struct mp_figure_curve *curve, const struct mp_series *series,
                      const struct mp_series *samples, const struct mp_figure_run *run,
                      size_t buckets)
{
    struct mp_series clipped = {0};
    int failed = 0;
    if (run->timeline->stands) {
        failed = mp_clip_standing(series, run->from, run->to, &clipped);
        series = &clipped;
    }
    curve->trend = trend_of(series, run);
    curve->peak = peak_of(series, run, &curve->peak_time);
    if (!failed && series->count)
        failed = make_points(curve, series, samples, run, buckets);
    free(clipped.points);
    return failed;
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
        if (points[i].time > mp_sum(mark->to, TELLING_TIME))
            break;
    }
    int64_t more = mp_difference(mark->bytes, top);
    return more > TELLING_BYTES && more > top / TELLING_SHARE;
}

/* A mark lies somewhere in its range: the middle stands for it. */
static int add_marks(struct mp_series *out, const struct mp_mark *marks, size_t count,
                     int pid, const struct mp_series *readings)
{
    for (size_t i = 0; i < count; i++)
        if ((!pid || marks[i].pid == pid) && is_telling(&marks[i], readings))
            if (mp_series_add(
                    out,
                    mp_sum(marks[i].from, mp_difference(marks[i].to, marks[i].from) / 2),
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
        run->curve.peak_time = mp_sum(mark->from, mp_difference(mark->to, mark->from) / 2);
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

/* As samples are; a recording without it has no points. */
static int make_cpu(struct mp_series *out, const struct mp_series *cpu,
                    const struct mp_figure_run *run, size_t buckets)
{
    return mp_decimate(cpu, run->from, run->to, buckets,
                       mp_gap_of(cpu, run->timeline->interval), out);
}

/* Each reading is of the time since the one before: of a stretch that is missing, no more than a gap is. */
static int64_t mean_cpu(const struct mp_figure_run *run)
{
    const struct mp_series *cpu = &run->timeline->cpu;
    int64_t gap = mp_gap_of(cpu, run->timeline->interval);
    double sum = 0, time = 0;
    for (size_t i = 0; i < cpu->count; i++) {
        int64_t passed = i ? mp_difference(cpu->points[i].time, cpu->points[i - 1].time)
                           : run->timeline->interval;
        if (!is_within(&cpu->points[i], run))
            continue;
        passed = gap && passed > gap ? gap : passed;
        sum += (double)cpu->points[i].bytes * (double)passed;
        time += (double)passed;
    }
    return time > 0 ? (int64_t)(sum / time) : -1;
}

static void release_child(struct mp_figure_child *child)
{
    free(child->curve.points.points);
    free(child->cpu.points);
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
        failed = make_curve(&child->curve, &all, &track->series, run, buckets) ||
                 make_cpu(&child->cpu, &track->cpu, run, buckets);
    free(all.points);
    if (child->curve.points.count)
        run->child_count++;
    else
        release_child(child);
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
    int64_t first = mp_difference(a->leave.time, a->enter.time);
    int64_t second = mp_difference(b->leave.time, b->enter.time);
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

/* Kills that were told of as they happened, and at the end those that were not. */
static int make_kills(struct mp_figure_run *run)
{
    const struct mp_timeline *timeline = run->timeline;
    const struct mp_series *told = &timeline->kills;
    int64_t left = timeline->ended ? timeline->end.kills : 0;
    for (size_t i = 0; i < told->count; i++) {
        left = mp_difference(left, told->points[i].bytes);
        if (is_within(&told->points[i], run) &&
            mp_series_add(&run->kills, told->points[i].time, told->points[i].bytes))
            return -1;
    }
    struct mp_point end = {timeline->end.time, left};
    return left > 0 && is_within(&end, run) ? mp_series_add(&run->kills, end.time, left)
                                            : 0;
}

int64_t mp_figure_limit(const struct mp_timeline *timeline)
{
    const struct mp_series *limits = &timeline->limits;
    int64_t lowest = timeline->ended ? timeline->end.limit : -1;
    for (size_t i = 0; i < limits->count; i++)
        if (lowest < 0 || limits->points[i].bytes < lowest)
            lowest = limits->points[i].bytes;
    return lowest;
}

static void set_window(struct mp_figure_run *run, const struct mp_series *readings,
                       const struct mp_figure_options *options)
{
    const struct mp_timeline *timeline = run->timeline;
    run->start = options->origin ? options->origin : readings->points[0].time;
    run->from = mp_sum(run->start, options->from);
    if (run->from < readings->points[0].time)
        run->from = readings->points[0].time;
    run->to = readings->points[readings->count - 1].time;
    if (timeline->ended && timeline->end.time > run->to)
        run->to = timeline->end.time;
    if (options->to >= 0)
        run->to = mp_sum(run->start, options->to);
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
        run->limit = mp_figure_limit(timeline);
        run->mean_cpu = mean_cpu(run);
        failed =
            make_curve(&run->curve, &readings, &timeline->total, run, options->buckets);
    }
    free(readings.points);
    return failed || make_marks(run, options->buckets) ||
                   mp_decimate(&timeline->group, run->from, run->to, options->buckets, 0,
                               &run->group) ||
                   make_cpu(&run->cpu, &timeline->cpu, run, options->buckets) ||
                   make_kills(run) ||
                   mp_gaps_find(&run->gaps, timeline, run->from, run->to) ||
                   (options->children && make_children(run, options->buckets)) ||
                   (options->functions && make_spans(run, options->calls))
               ? -1
               : 0;
}

void mp_figure_run_release(struct mp_figure_run *run)
{
    for (size_t i = 0; i < run->child_count; i++)
        release_child(&run->children[i]);
    for (size_t i = 0; run->labels && i < run->timeline->names.count; i++)
        free(run->labels[i]);
    free(run->labels);
    free(run->children);
    free(run->spans);
    free(run->curve.points.points);
    free(run->marks.points);
    free(run->group.points);
    free(run->cpu.points);
    free(run->kills.points);
    mp_gaps_release(&run->gaps);
    *run = (struct mp_figure_run){0};
}
