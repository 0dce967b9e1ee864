#include "capture/heap/python/group.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "capture/heap/accounting/throttle.h"
#include "capture/heap/python/recording.h"
#include "capture/process/cgroup.h"

enum {
    STEPS = 50, /* so much of the limit more is worth a look at any time */
    FAR = 90,   /* percent of the limit: below, it is near anew when it comes there */
    EVENTS_EVERY = 10, /* looks between two at what is told seldom */
};

static const int64_t often = 100000000, seldom = 10000000000; /* ns between looks */

static struct {
    struct mp_cgroup group, tightest;
    struct mp_throttle throttle;
    int64_t live; /* at the latest look */
    unsigned looks;
    bool begun, known, near;
} state;

static struct mp_group_memory *to(void)
{
    return &mp_recording.heap->header->group;
}

static bool is_limited(const struct mp_group_memory *group)
{
    return group->limit < INT64_MAX || group->high < INT64_MAX;
}

/* A limit may be set later. */
static void read_limits(struct mp_group_memory *group)
{
    state.tightest = state.group;
    mp_cgroup_tighten(&state.tightest);
    int64_t limit = mp_cgroup_limit(&state.tightest), high = mp_cgroup_high(&state.group);
    group->limit = limit >= 0 ? limit : INT64_MAX;
    group->high = high >= 0 ? high : INT64_MAX;
}

void mp_recording_group_start(void)
{
    memset(&state, 0, sizeof state);
}

/* At the first look, not at the start: a program that runs already stands still for that. */
static void begin(struct mp_group_memory *group)
{
    state.begun = true;
    state.known = mp_recording.heap->stays && !mp_cgroup_find(&state.group, 0);
    if (!state.known)
        return;
    struct mp_cgroup_events events = mp_cgroup_read_events(&state.group);
    group->kills = events.kills;
    group->throttled = group->throttled_now = events.throttled;
    group->stalled = group->stalled_now = events.stalled;
    *group->path = 0;
    size_t length = strlen(state.group.path);
    if (length < sizeof group->path) /* a beginning would be another group's */
        memcpy(group->path, state.group.path, length + 1);
    read_limits(group);
}

/* Files that the kernel can give back are not what it kills for. */
static bool is_near(const struct mp_group_memory *group)
{
    if (!mp_group_is_near(group, group->current))
        return false;
    int64_t idle = mp_cgroup_idle_files(&state.tightest);
    return mp_group_is_near(group, group->current - (idle > 0 ? idle : 0));
}

/* Once for each time that it comes so near; a mark of the program's goes on. */
static void keep_picture(struct mp_group_memory *group, int64_t now)
{
    struct mp_moments *moments = &mp_recording.ledger.moments;
    if (!group->near)
        group->near = now > 0 ? now : 1;
    if (!mp_moments_are_marking(moments))
        state.near = mp_moments_mark(moments, now, MP_GROUP_MARK, sizeof MP_GROUP_MARK - 1);
}

static void look(struct mp_group_memory *group, int64_t now)
{
    int64_t current = mp_cgroup_current(&state.tightest);
    if (state.looks++ % EVENTS_EVERY == 0) {
        struct mp_cgroup_events events = mp_cgroup_read_events(&state.group);
        group->throttled_now = events.throttled;
        group->stalled_now = events.stalled;
    }
    group->current = current;
    group->rss = mp_recording.ledger.rss;
    group->time = now;
    if (!state.near && is_near(group))
        keep_picture(group, now);
    else if (state.near && current < group->limit / 100 * FAR)
        state.near = false;
}

/* Whether it is time, or much was allocated since. */
static bool is_due(const struct mp_group_memory *group, int64_t now)
{
    if (now >= state.throttle.next)
        return true;
    return group->limit < INT64_MAX &&
           mp_recording.heap->header->live - state.live > group->limit / STEPS;
}

void mp_recording_group_look(int64_t now)
{
    struct mp_group_memory *group = to();
    if ((state.begun && !state.known) || !is_due(group, now))
        return;
    int kept = errno, cancel;
    mp_throttle_begin(&state.throttle);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel); /* we hold the biased lock */
    if (!state.begun)
        begin(group);
    state.live = mp_recording.heap->header->live;
    if (state.known)
        is_limited(group) ? look(group, now) : read_limits(group);
    pthread_setcancelstate(cancel, &cancel);
    mp_throttle_end(&state.throttle, now, is_limited(group) ? often : seldom);
    errno = kept;
}
