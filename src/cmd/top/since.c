#include "cmd/top/since.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/saturate.h"
#include "cmd/shared/command.h"
#include "store/heap/read.h"

enum { LEAST = 1000000 /* ns */ };

static int64_t wall_now(void)
{
    return mp_clock_ns() + mp_clock_wall_offset();
}

void mp_top_since_now(struct mp_top_since *since, int64_t heap)
{
    time_t now = time(NULL);
    struct tm parts;
    *since = (struct mp_top_since){.wall = wall_now(), .heap = heap};
    if (localtime_r(&now, &parts))
        strftime(since->title, sizeof since->title, "%H:%M:%S", &parts);
}

/* Those that are shown, as they are now: moments that came since they were opened are read here alone. */
static struct mp_top_member *shown_one(const struct mp_top_members *members, size_t i)
{
    for (size_t at = 0; at < members->count; at++)
        if (&members->all[at]->process == members->shown[i])
            return members->all[at];
    return NULL;
}

/* Where the moment is, in any of them. */
static void look_everywhere(struct mp_heap_asked_range *asked,
                            const struct mp_top_members *members)
{
    for (size_t i = 0; i < members->shown_count; i++) {
        struct mp_heap_capture capture;
        const struct mp_top_member *member = shown_one(members, i);
        if (member && mp_heap_read(&capture, member->path) == MP_HEAP_OK) {
            bool all = mp_heap_range_look(asked, &capture.view);
            mp_heap_capture_release(&capture);
            if (all)
                return;
        }
    }
}

static void set_title(struct mp_top_since *since, const struct mp_heap_instant *from)
{
    if (*from->name)
        memcpy(since->title, from->name, sizeof since->title);
    else if (from->when == MP_HEAP_WHEN_START)
        strcpy(since->title, "the start");
    else
        snprintf(since->title, sizeof since->title, "%.1f s", (double)from->time / 1e9);
}

/* A process that began later has nothing before. */
static int mark_from(struct mp_top_since *since, struct mp_top_members *members, size_t i,
                     const struct mp_heap_asked_range *asked)
{
    struct mp_heap_capture capture;
    struct mp_heap_range range = {0};
    const struct mp_top_member *member = shown_one(members, i);
    int code = 0;
    if (!member || mp_heap_read(&capture, member->path) != MP_HEAP_OK)
        return i ? 0 : mp_fail("%s cannot be read now", members->all[0]->path);
    if (i)
        mp_heap_range_beside(asked, &capture.view, true, &range);
    else
        code = mp_heap_range_find(asked, &capture.view, member->path, &range);
    if (!code && !i) {
        set_title(since, &range.from);
        since->wall = mp_sum(capture.view.header->wall_start, range.from.time);
    }
    if (!code && mp_heap_live_mark_at(members->shown[i], &capture.view, &range.from))
        code = mp_fail("out of memory");
    since->heap = mp_sum(since->heap, range.from.live);
    mp_heap_capture_release(&capture);
    return code;
}

int mp_top_since_find(struct mp_top_since *since, struct mp_top_members *members,
                      const struct mp_heap_asked_range *asked)
{
    struct mp_heap_asked_range its = *asked;
    int code = 0;
    *since = (struct mp_top_since){0};
    look_everywhere(&its, members);
    for (size_t i = 0; i < members->shown_count && !code; i++)
        code = mark_from(since, members, i, &its);
    return code;
}

double mp_top_since_seconds(const struct mp_top_since *since,
                            const struct mp_top_members *members)
{
    const struct mp_heap_header *header = members->all[0]->process.view->header;
    int64_t until =
        members->running ? wall_now() : mp_sum(header->wall_start, header->elapsed);
    int64_t ns = mp_difference(until, since->wall);
    return ns >= LEAST ? (double)ns / 1e9 : 0;
}

static struct mp_heap_asked_range until_now(struct mp_heap_wanted from)
{
    return (struct mp_heap_asked_range){
        .what = MP_HEAP_ASKED_GROWTH,
        .wanted = {from, {.what = MP_HEAP_WANT_INSTANT, .when = MP_HEAP_WHEN_END}}};
}

struct mp_heap_asked_range mp_top_since_quarter(const struct mp_top_members *members)
{
    const struct mp_heap_header *header = members->shown[0]->view->header;
    return until_now(
        (struct mp_heap_wanted){.what = MP_HEAP_WANT_TIME, .time = header->elapsed / 4});
}

bool mp_top_since_mark_before(struct mp_heap_asked_range *asked,
                              const struct mp_top_members *members, int64_t wall)
{
    struct mp_heap_capture capture;
    struct mp_heap_instant instants[MP_HEAP_INSTANTS];
    struct mp_heap_wanted mark = {.what = MP_HEAP_WANT_MARK};
    if (mp_heap_read(&capture, members->all[0]->path) != MP_HEAP_OK)
        return false;
    int64_t time = mp_difference(wall, capture.view.header->wall_start);
    size_t count = mp_heap_instants(&capture.view, instants);
    for (size_t i = 0; i < count && instants[i].time < time; i++)
        if (instants[i].when == MP_HEAP_WHEN_MARK)
            strcpy(mark.name, instants[i].name);
    *asked = until_now(mark);
    mp_heap_capture_release(&capture);
    return *mark.name;
}
