#include "aggregate/peak.h"

#include <string.h>

static int64_t highest(const struct mp_series *series)
{
    int64_t top = -1;
    for (size_t i = 0; i < series->count; i++)
        if (series->points[i].bytes > top)
            top = series->points[i].bytes;
    return top;
}

static int64_t highest_mark(const struct mp_mark *marks, size_t count, int pid)
{
    int64_t top = -1;
    for (size_t i = 0; i < count; i++)
        if ((!pid || marks[i].pid == pid) && marks[i].bytes > top)
            top = marks[i].bytes;
    return top;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

bool mp_peak_counts_call(const struct mp_timeline *timeline, const struct mp_span *span)
{
    bool rss = !*timeline->metric || !strcmp(timeline->metric, "rss");
    return rss && !timeline->tree && (!span->pid || span->pid == timeline->pid);
}

int64_t mp_peak_total(const struct mp_timeline *timeline)
{
    int pid =
        timeline->tree ? 0 : timeline->pid; /* a tree holds what any of its members does */
    int64_t mark = highest_mark(timeline->marks, timeline->mark_count, pid);
    int64_t top = larger(highest(&timeline->total), pid || timeline->tree ? mark : -1);
    for (size_t i = 0; i < timeline->span_count; i++) {
        const struct mp_span *span = &timeline->spans[i];
        if (mp_peak_counts_call(timeline, span))
            top = larger(top, larger(span->enter.bytes, span->leave.bytes));
    }
    return top;
}

int64_t mp_peak_bound(const struct mp_timeline *timeline)
{
    return larger(mp_peak_total(timeline),
                  highest_mark(timeline->bounds, timeline->bound_count, 0));
}

int64_t mp_peak_track(const struct mp_timeline *timeline, const struct mp_track *track)
{
    return larger(highest(&track->series),
                  highest_mark(timeline->marks, timeline->mark_count, track->pid));
}

/* The first point not before a time. */
static size_t first_at(const struct mp_series *series, int64_t time)
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

static int64_t peak_of_span(const struct mp_timeline *timeline, const struct mp_span *span)
{
    int64_t top = larger(span->enter.bytes, span->leave.bytes);
    const struct mp_series *total = &timeline->total;
    for (size_t i = first_at(total, span->enter.time);
         i < total->count && total->points[i].time <= span->leave.time; i++)
        top = larger(top, total->points[i].bytes);
    for (size_t i = 0; i < timeline->mark_count; i++) {
        const struct mp_mark *mark = &timeline->marks[i];
        if (mark->pid == timeline->pid && mark->from >= span->enter.time &&
            mark->to <= span->leave.time)
            top = larger(top, mark->bytes);
    }
    return top;
}

int64_t mp_peak_function(const struct mp_timeline *timeline, int name)
{
    int64_t top = -1;
    for (size_t i = 0; i < timeline->span_count; i++)
        if (timeline->spans[i].name == name)
            top = larger(top, peak_of_span(timeline, &timeline->spans[i]));
    return top;
}

int mp_peak_find_function(const struct mp_timeline *timeline, const char *name)
{
    size_t length = strlen(name);
    int found = -1, fits = 0;
    for (size_t i = 0; i < timeline->names.count; i++) {
        const struct mp_name *item = &timeline->names.items[i];
        if (item->length < length ||
            memcmp(item->text + item->length - length, name, length))
            continue;
        if (item->length == length)
            return (int)i;
        if (item->text[item->length - length - 1] == '.') {
            found = (int)i;
            fits++;
        }
    }
    return fits == 1 ? found : -1;
}
