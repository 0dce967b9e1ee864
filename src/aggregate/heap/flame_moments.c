#include "aggregate/heap/flame_moments.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/saturate.h"

enum {
    ENTRY_OF =
        2000,       /* a moment has the stacks that hold at least so small a part of all, */
    FRAME_OF = 5000 /* a graph the frames */
};

struct collecting {
    const struct mp_heap_view *view;
    const struct mp_flame *flame;
    struct mp_flame_held *found; /* owned; in no order, a frame more than once */
    size_t count, room;
};

static int add(struct collecting *collecting, uint32_t node, uint32_t instant,
               int64_t bytes)
{
    if (bytes <= 0)
        return 0;
    if (mp_array_reserve((void **)&collecting->found, &collecting->room,
                         collecting->count + 1, sizeof *collecting->found))
        return -1;
    collecting->found[collecting->count++] =
        (struct mp_flame_held){collecting->flame->places[node], instant, bytes};
    return 0;
}

static int add_moment(struct collecting *collecting, const struct mp_heap_instant *instant,
                      uint32_t number)
{
    const struct mp_heap_view *view = collecting->view;
    const struct mp_heap_holding *its =
        view->entries + (size_t)instant->index * MP_HEAP_SLOT;
    int failed = 0;
    for (uint32_t i = 0; i < view->moments[instant->index].count && !failed; i++)
        failed = add(collecting, its[i].node, number, its[i].bytes);
    return failed;
}

static int64_t held_by(const struct mp_heap_view *view, uint32_t node,
                       enum mp_heap_when when)
{
    return when == MP_HEAP_WHEN_PEAK ? mp_heap_at_peak(view, &view->nodes[node])
                                     : view->nodes[node].live;
}

/* The peak or the end, as a moment would have it. */
static int add_exact(struct collecting *collecting, const struct mp_heap_instant *instant,
                     uint32_t number)
{
    const struct mp_heap_view *view = collecting->view;
    size_t nodes = view->counts[MP_HEAP_NODES], holding = 0;
    for (uint32_t i = 0; i < nodes; i++)
        holding += held_by(view, i, instant->when) != 0;
    int64_t least = holding > MP_HEAP_SLOT ? instant->live / ENTRY_OF : 0;
    int failed = 0;
    for (uint32_t i = 0; i < nodes && !failed; i++) {
        int64_t bytes = held_by(view, i, instant->when);
        if (bytes >= least)
            failed = add(collecting, i, number, bytes);
    }
    return failed;
}

static int by_frame(const void *left, const void *right)
{
    const struct mp_flame_held *a = left, *b = right;
    if (a->frame != b->frame)
        return a->frame < b->frame ? -1 : 1;
    return (a->instant > b->instant) - (a->instant < b->instant);
}

/* What one frame held, in order, and what of it changed. */
static int keep(struct mp_flame_moments *moments, size_t *room, uint32_t frame,
                const int64_t *bytes, size_t instants)
{
    int64_t before = 0;
    for (uint32_t i = 0; i < instants; i++) {
        moments->rest[i] = mp_difference(moments->rest[i], bytes[i]);
        if (bytes[i] == before)
            continue;
        if (mp_array_reserve((void **)&moments->held, room, moments->count + 1,
                             sizeof *moments->held))
            return -1;
        moments->held[moments->count++] = (struct mp_flame_held){frame, i, bytes[i]};
        before = bytes[i];
    }
    return 0;
}

static int keep_frames(struct mp_flame_moments *moments,
                       const struct collecting *collecting, size_t instants, int64_t least)
{
    const struct mp_flame_held *found = collecting->found;
    size_t room = 0;
    int failed = 0;
    for (size_t i = 0; i < collecting->count && !failed;) {
        int64_t bytes[MP_HEAP_INSTANTS] = {0}, most = 0;
        uint32_t frame = found[i].frame;
        for (; i < collecting->count && found[i].frame == frame; i++) {
            int64_t *at = &bytes[found[i].instant];
            *at = mp_sum(*at, found[i].bytes);
            most = *at > most ? *at : most;
        }
        if (frame && most >= least)
            failed = keep(moments, &room, frame, bytes, instants);
    }
    return failed;
}

int mp_flame_moments_init(struct mp_flame_moments *moments, const struct mp_heap_view *view,
                          const struct mp_flame *flame,
                          const struct mp_heap_instant *instants, size_t count)
{
    struct collecting collecting = {.view = view, .flame = flame};
    *moments = (struct mp_flame_moments){0};
    int failed = 0;
    for (uint32_t i = 0; i < count && !failed; i++) {
        enum mp_heap_when when = instants[i].when;
        moments->rest[i] = instants[i].live;
        if (when == MP_HEAP_WHEN_MOMENT || when == MP_HEAP_WHEN_MARK)
            failed = add_moment(&collecting, &instants[i], i);
        else if (when != MP_HEAP_WHEN_START)
            failed = add_exact(&collecting, &instants[i], i);
    }
    if (!failed && collecting.count)
        qsort(collecting.found, collecting.count, sizeof *collecting.found, by_frame);
    if (!failed)
        failed = keep_frames(moments, &collecting, count, view->header->peak / FRAME_OF);
    free(collecting.found);
    return failed ? -1 : 0;
}

void mp_flame_moments_release(struct mp_flame_moments *moments)
{
    free(moments->held);
    *moments = (struct mp_flame_moments){0};
}
