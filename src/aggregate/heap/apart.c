#include "aggregate/heap/apart.h"

#include "aggregate/heap/series.h"

enum { STRETCHES = 64, NEAR = 4 };
static const int64_t LEAST_TIME =
    128000000; /* ns: below two milliseconds a stretch all is chance */

static uint64_t distance(int64_t a, int64_t b)
{
    return a < b ? (uint64_t)b - (uint64_t)a : (uint64_t)a - (uint64_t)b;
}

/* The stretch near `at` in which the other run's heap was most like it. */
static int nearest(const struct mp_heap_point *other, int at, int64_t heap)
{
    int found = at;
    for (int i = at - NEAR < 0 ? 0 : at - NEAR; i <= at + NEAR && i < STRETCHES; i++)
        if (distance(other[i].heap, heap) < distance(other[found].heap, heap))
            found = i;
    return found;
}

static int64_t time_of(const struct mp_heap_view *view, int stretch)
{
    return (int64_t)((double)view->header->elapsed * (stretch + 0.5) / STRETCHES);
}

static bool is_telling(const struct mp_heap_view *view)
{
    size_t count;
    return mp_heap_points(view, &count) && view->header->elapsed >= LEAST_TIME;
}

bool mp_heap_apart_find(struct mp_heap_apart *apart, const struct mp_heap_view *before,
                        const struct mp_heap_view *after, int64_t least)
{
    struct mp_heap_point stretches[MP_HEAP_SIDES][STRETCHES];
    const struct mp_heap_view *views[] = {before, after};
    uint64_t most = least > 0 ? (uint64_t)least : 0, begin = most;
    if (!is_telling(before) || !is_telling(after))
        return false;
    for (int side = 0; side < MP_HEAP_SIDES; side++)
        mp_heap_buckets(views[side], stretches[side], STRETCHES);
    for (int i = 0; i < MP_HEAP_SIDES * STRETCHES; i++) {
        int side = i % MP_HEAP_SIDES, at[MP_HEAP_SIDES];
        at[side] = i / MP_HEAP_SIDES;
        int64_t heap = stretches[side][at[side]].heap;
        at[!side] = nearest(stretches[!side], at[side], heap);
        uint64_t apart_by = distance(heap, stretches[!side][at[!side]].heap);
        if (apart_by <= most)
            continue;
        most = apart_by;
        for (int its = 0; its < MP_HEAP_SIDES; its++) {
            apart->time[its] = time_of(views[its], at[its]);
            apart->heap[its] = stretches[its][at[its]].heap;
        }
    }
    return most > begin;
}
