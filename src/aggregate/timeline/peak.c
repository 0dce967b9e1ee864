#include "aggregate/timeline/peak.h"

#include <stdlib.h>
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

/* When a function ran: its calls, merged where they touch, in order. */
struct runs {
    struct interval {
        int64_t from, to;
    } * items;
    size_t count;
};

static int by_start(const void *left, const void *right)
{
    const struct interval *a = left, *b = right;
    return (a->from > b->from) - (a->from < b->from);
}

static void merge(struct runs *runs)
{
    size_t kept = 0;
    for (size_t i = 1; i < runs->count; i++) {
        struct interval *last = &runs->items[kept], *next = &runs->items[i];
        if (next->from > last->to)
            runs->items[++kept] = *next;
        else if (next->to > last->to)
            last->to = next->to;
    }
    runs->count = runs->count ? kept + 1 : 0;
}

static bool contains(const struct runs *runs, int64_t from, int64_t to)
{
    size_t low = 0, high = runs->count; /* the first that starts after `from` */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (runs->items[middle].from <= from)
            low = middle + 1;
        else
            high = middle;
    }
    return low && to <= runs->items[low - 1].to;
}

/* The calls of a name; *top is the highest reading they took themselves. */
static int collect(struct runs *runs, const struct mp_timeline *timeline, int name,
                   int64_t *top)
{
    runs->count = 0;
    runs->items = malloc((timeline->span_count + 1) * sizeof *runs->items);
    if (!runs->items)
        return -1;
    for (size_t i = 0; i < timeline->span_count; i++) {
        const struct mp_span *span = &timeline->spans[i];
        if (span->name != name)
            continue;
        *top = larger(*top, larger(span->enter.bytes, span->leave.bytes));
        runs->items[runs->count++] = (struct interval){span->enter.time, span->leave.time};
    }
    qsort(runs->items, runs->count, sizeof *runs->items, by_start);
    merge(runs);
    return 0;
}

int64_t mp_peak_function(const struct mp_timeline *timeline, int name)
{
    struct runs runs;
    int64_t top = -1;
    if (collect(&runs, timeline, name, &top))
        return -1;
    for (size_t i = 0; i < timeline->total.count; i++) {
        const struct mp_point *point = &timeline->total.points[i];
        if (point->bytes > top && contains(&runs, point->time, point->time))
            top = point->bytes;
    }
    for (size_t i = 0; i < timeline->mark_count; i++) {
        const struct mp_mark *mark = &timeline->marks[i];
        if (mark->pid == timeline->pid && mark->bytes > top &&
            contains(&runs, mark->from, mark->to))
            top = mark->bytes;
    }
    free(runs.items);
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
