#include "cmd/heap/timeline.h"

#include <stdio.h>

#include "aggregate/heap/balance.h"
#include "aggregate/heap/series.h"
#include "base/saturate.h"
#include "cmd/heap/run.h"
#include "cmd/shared/command.h"
#include "report/heap/parts.h"

/* A point whose time is no time is left out. */
static int add(struct mp_series *series, int64_t start, int64_t time, int64_t bytes)
{
    int64_t wall = mp_sum(start, time);
    if (time < 0 || bytes < 0 || wall == INT64_MAX)
        return 0;
    return mp_series_add(series, wall, bytes);
}

static int add_points(struct mp_timeline *timeline, struct mp_series *heap,
                      const struct mp_heap_view *view)
{
    size_t count;
    const struct mp_heap_point *points = mp_heap_points(view, &count);
    int64_t start = view->header->wall_start;
    int failed = 0;
    for (size_t i = 0; i < count && !failed; i++)
        failed = add(&timeline->total, start, points[i].time, points[i].rss) ||
                 add(heap, start, points[i].time, points[i].heap);
    mp_series_sort(&timeline->total);
    mp_series_sort(heap);
    return failed;
}

/* "heap", with what was reserved near its peak; or that it is sampled, with the error of the highest point, which is the largest.
   Negative when there is no memory. */
static int name(struct mp_track *track, const struct mp_heap_view *view)
{
    const struct mp_heap_header *header = view->header;
    int64_t reserved = mp_heap_held(view).reserved;
    const char *heap = header->followed & 1 << MP_HEAP_MALLOC ? "heap" : "Python heap";
    char error[MP_HEAP_FIGURE];
    int64_t peak = 0;
    if (!header->sample && reserved)
        return asprintf(&track->name, "%s (%s reserved, not in memory)", heap,
                        mp_heap_size(reserved, error));
    if (!header->sample)
        return asprintf(&track->name, "%s", heap);
    for (size_t i = 0; i < track->series.count; i++)
        if (track->series.points[i].bytes > peak)
            peak = track->series.points[i].bytes;
    return asprintf(&track->name, "%s (sampled, at most +-%s)", heap,
                    mp_heap_size(mp_heap_error(header, peak), error));
}

static int fill(struct mp_timeline *timeline, const struct mp_heap_view *view)
{
    struct mp_track *track = mp_timeline_track(timeline, 0);
    if (!track || add_points(timeline, &track->series, view) || name(track, view) < 0)
        return mp_fail("out of memory");
    timeline->pid = (int)view->header->pid;
    timeline->identity = view->header->identity;
    timeline->stands = true; /* a point is where the program allocated */
    return 0;
}

int mp_heap_timeline_read(struct mp_timeline *timeline, const char *path)
{
    struct mp_heap_run run;
    *timeline = (struct mp_timeline){0};
    int code = mp_heap_run_read(&run, path, false);
    if (!code && run.incomplete)
        mp_note("%s: incomplete: %s", path, run.incomplete);
    if (!code && run.view.several_clocks)
        code = mp_fail("%s is of machines with clocks of their own, which no one timeline "
                       "has: name one of its captures",
                       path);
    if (!code)
        code = fill(timeline, &run.view);
    mp_heap_run_release(&run);
    return code;
}
