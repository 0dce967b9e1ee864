#include "cmd/top/history.h"

#include <stdlib.h>

#include "aggregate/heap/series.h"
#include "base/array.h"
#include "base/saturate.h"

/* Of two points the one with more stays. */
static void halve(struct mp_top_history *history)
{
    size_t count = 0;
    for (size_t i = 0; i + 1 < history->count; i += 2) {
        struct mp_top_point *a = &history->points[i], *b = &history->points[i + 1];
        history->points[count++] = a->figures[0] > b->figures[0] ? *a : *b;
    }
    history->count = count;
}

int mp_top_history_add(struct mp_top_history *history, int64_t time, int64_t first,
                       int64_t second)
{
    if (history->count >= MP_TOP_POINTS)
        halve(history);
    if (mp_array_reserve((void **)&history->points, &history->room, history->count + 1,
                         sizeof *history->points))
        return -1;
    size_t last = history->count;
    if (last && history->points[last - 1].time > time)
        time = history->points[last - 1].time; /* clocks of two machines, or damage */
    history->points[history->count++] = (struct mp_top_point){time, {first, second}};
    return 0;
}

int mp_top_history_fill(struct mp_top_history *history, const struct mp_heap_view *view)
{
    size_t count;
    const struct mp_heap_point *points = mp_heap_points(view, &count);
    int failed = 0;
    for (size_t i = 0; i < count && !failed; i++)
        if (points[i].time >= 0)
            failed = mp_top_history_add(history,
                                        mp_sum(view->header->wall_start, points[i].time),
                                        points[i].heap, points[i].rss);
    return failed;
}

int64_t mp_top_history_most(const struct mp_top_history *history, int64_t known)
{
    int64_t most = known;
    for (size_t i = 0; i < history->count; i++)
        most = history->points[i].figures[0] > most ? history->points[i].figures[0] : most;
    return most;
}

void mp_top_history_release(struct mp_top_history *history)
{
    free(history->points);
    *history = (struct mp_top_history){0};
}
