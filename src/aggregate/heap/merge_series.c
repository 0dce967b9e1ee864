/* The series of several processes as one, and between which bounds is what they held together.
 *
 *      kept      .-----.     .------.    between the points of a stretch that has as many as stay
 *      may be    #############------.    there may have been others: no higher than its highest,
 *                stretch     |           no lower than its lowest
 */
#include <stdlib.h>

#include "aggregate/heap/merge.h"
#include "aggregate/heap/series.h"
#include "base/array.h"
#include "base/saturate.h"

/* The points of a stretch, and what was so between them. */
struct stretch {
    const struct mp_heap_point *points;
    size_t count;
    int64_t least, most; /* bytes */
    int64_t slack;       /* that a point may lack until the next one */
};

static bool is_point(const struct mp_heap_point *point)
{
    return point->time >= 0 && point->rss >= 0 && point->heap >= 0;
}

/* The first stretch of these points. */
static struct stretch first_of(const struct mp_heap_header *header,
                               const struct mp_heap_point *points, size_t count)
{
    int64_t interval = header->series.interval > 0 ? header->series.interval : 1;
    struct stretch stretch = {points, 0, INT64_MAX, 0, mp_heap_small_step(header->peak)};
    for (; stretch.count < count; stretch.count++) {
        const struct mp_heap_point *point = &points[stretch.count];
        if (point->time / interval != points->time / interval)
            break;
        if (is_point(point) && point->heap < stretch.least)
            stretch.least = point->heap;
        if (is_point(point) && point->heap > stretch.most)
            stretch.most = point->heap;
    }
    if (stretch.count >= header->stay)
        stretch.slack = INT64_MAX;
    return stretch;
}

/* What a process had before. */
struct before {
    int64_t rss, heap, least, most;
};

static void change(struct mp_heap_merge *merge, int64_t time, bool seen,
                   struct before *before, struct before now)
{
    struct mp_heap_change *to = &merge->changes[merge->change_count];
    *to = (struct mp_heap_change){.time = time,
                                  .rss = mp_difference(now.rss, before->rss),
                                  .heap = mp_difference(now.heap, before->heap),
                                  .least = mp_difference(now.least, before->least),
                                  .most = mp_difference(now.most, before->most),
                                  .order = merge->change_count,
                                  .seen = seen};
    merge->change_count++;
    *before = now;
}

/* The last one of a stretch stands as it is, until the next stretch. */
static struct before now_of(const struct stretch *stretch, size_t i)
{
    const struct mp_heap_point *point = &stretch->points[i];
    struct before now = {point->rss, point->heap, point->heap, point->heap};
    if (i + 1 < stretch->count) {
        int64_t least = mp_difference(point->heap, stretch->slack);
        int64_t most = mp_sum(point->heap, stretch->slack);
        now.least = least > stretch->least ? least : stretch->least;
        now.most = most < stretch->most ? most : stretch->most;
    }
    return now;
}

/* A killed one was last seen then, and may have held what it had for longer. */
static struct before end_of(const struct mp_heap_header *header,
                            const struct before *before)
{
    return (struct before){.most = header->clean ? 0 : before->most};
}

/* `left`: what it may still have held, when it was not closed. */
static int note_life(struct mp_heap_merge *merge, const struct mp_heap_view *view,
                     int64_t left)
{
    const struct mp_heap_header *header = view->header;
    if (mp_array_reserve((void **)&merge->lives, &merge->life_room, merge->life_count + 1,
                         sizeof *merge->lives))
        return -1;
    merge->lives[merge->life_count++] = (struct mp_heap_life){
        header->run, header->pid, header->wall_start, view->lives ? 0 : left};
    return 0;
}

int mp_heap_merge_series_add(struct mp_heap_merge *merge, const struct mp_heap_view *view)
{
    size_t count;
    const struct mp_heap_point *points = mp_heap_points(view, &count);
    const struct mp_heap_header *header = view->header;
    struct before before = {0};
    if (mp_array_reserve((void **)&merge->changes, &merge->change_room,
                         merge->change_count + merge->life_count + count + 2,
                         sizeof *merge->changes))
        return -1;
    for (size_t first = 0; first < count;) {
        struct stretch stretch = first_of(header, &points[first], count - first);
        for (size_t i = 0; i < stretch.count; i++)
            if (is_point(&stretch.points[i]))
                change(merge, mp_sum(header->wall_start, stretch.points[i].time), true,
                       &before, now_of(&stretch, i));
        first += stretch.count;
    }
    if (!view->lives)
        change(merge, mp_sum(header->wall_start, header->elapsed), false, &before,
               end_of(header, &before));
    if (note_life(merge, view, before.most))
        return -1;
    merge->unbounded |= !header->stay || (header->peak && !count);
    if (header->peak > merge->together.least)
        merge->together.least = header->peak;
    return 0;
}

/* When its process became another program (exec), or its number was another's; INT64_MAX: never. */
static int64_t next_of(const struct mp_heap_merge *merge, const struct mp_heap_life *life)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < merge->life_count; i++) {
        const struct mp_heap_life *other = &merge->lives[i];
        if (other->run == life->run && other->pid == life->pid &&
            other->start > life->start && other->start < next)
            next = other->start;
    }
    return next;
}

/* Before the next one has anything. There is room for one change of each. */
static void end_lives(struct mp_heap_merge *merge)
{
    for (size_t i = 0; i < merge->life_count; i++) {
        struct mp_heap_life *life = &merge->lives[i];
        int64_t next = life->left ? next_of(merge, life) : INT64_MAX;
        if (next == INT64_MAX)
            continue;
        merge->changes[merge->change_count] =
            (struct mp_heap_change){.time = next - 1,
                                    .most = mp_difference(0, life->left),
                                    .order = merge->change_count};
        merge->change_count++;
        life->left = 0;
    }
}

static int by_time(const void *left, const void *right)
{
    const struct mp_heap_change *a = left, *b = right;
    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    if (a->seen != b->seen)
        return b->seen - a->seen;
    return (a->order > b->order) - (a->order < b->order);
}

static void bound(struct mp_heap_bounds *together, struct mp_heap_bounds now)
{
    if (now.least > together->least)
        together->least = now.least;
    if (now.most > together->most)
        together->most = now.most;
}

/* The sums at each change, but for the end of the last process, which leaves nothing. */
static void sum(struct mp_heap_merge *merge)
{
    struct mp_heap_header *header = &merge->header;
    struct mp_heap_point now = {0};
    struct mp_heap_bounds bounds = {0};
    int64_t peak = 0;
    for (size_t i = 0; i < merge->change_count; i++) {
        const struct mp_heap_change *change = &merge->changes[i];
        now.time = mp_difference(change->time, header->wall_start);
        now.rss = mp_sum(now.rss, change->rss);
        now.heap = mp_sum(now.heap, change->heap);
        bounds.least = mp_sum(bounds.least, change->least);
        bounds.most = mp_sum(bounds.most, change->most);
        peak = now.heap > peak ? now.heap : peak;
        bound(&merge->together, bounds);
        if (now.time >= 0 &&
            (change->seen ? now.time <= header->elapsed : now.time < header->elapsed))
            mp_heap_series_add(&header->series, now, peak);
    }
    if (merge->together.most < merge->together.least)
        merge->together.most = merge->together.least;
}

void mp_heap_merge_series_sum(struct mp_heap_merge *merge)
{
    struct mp_heap_series *series = &merge->header.series;
    series->bank = series->count[0] = 0;
    series->interval = merge->header.elapsed / (MP_HEAP_POINTS / MP_HEAP_STAY) + 1;
    end_lives(merge);
    if (merge->change_count)
        qsort(merge->changes, merge->change_count, sizeof *merge->changes, by_time);
    if (!merge->several_clocks)
        sum(merge);
    if (merge->several_clocks || merge->unbounded)
        merge->together = (struct mp_heap_bounds){0};
}
