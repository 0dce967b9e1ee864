#include "cmd/recordings/whole.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/saturate.h"
#include "cmd/shared/command.h"

#define LONGEST_OFFSET 1e8 /* seconds */

const char *mp_whole_take_clock(struct mp_whole_options *options, const char *text)
{
    static const char wrong[] = "a clock is HOST=SECONDS that it is ahead, like "
                                "node2=+90s, node3=-1.5s or node4=+20ms";
    const char *sign = strrchr(text, '=');
    size_t length = sign ? (size_t)(sign - text) : 0;
    char *end;
    if (!length || length >= MP_IDENTITY_HOST)
        return wrong;
    double seconds = strtod(sign + 1, &end);
    if (end == sign + 1 || !isfinite(seconds) || fabs(seconds) > LONGEST_OFFSET)
        return wrong;
    if (!strcmp(end, "ms"))
        seconds /= 1000;
    else if (*end && strcmp(end, "s") != 0)
        return wrong;
    if (options->offset_count == MP_MOST_CLOCKS)
        return "so many clocks cannot be given";
    struct mp_clock_offset *offset = &options->offsets[options->offset_count++];
    memcpy(offset->host, text, length);
    offset->host[length] = 0;
    offset->ahead = (int64_t)(seconds * 1e9);
    return NULL;
}

/* A host that was misspelt would be a clock that is not set. */
static int check_met(const struct mp_whole_options *options)
{
    for (size_t i = 0; i < options->offset_count; i++)
        if (!options->offsets[i].met)
            return mp_fail("plot: no recording is of the host %s that --clock names; "
                           "'mprof peak --by host' lists them",
                           options->offsets[i].host);
    return 0;
}

static bool is_in(const struct mp_member *member, const struct mp_lanes *lanes)
{
    return member->from <= lanes->to && member->to >= lanes->from;
}

static void choose_drawn(struct mp_whole *whole)
{
    const struct mp_members *members = &whole->members;
    size_t chosen[MP_MOST_DRAWN], count = members->count;
    if (count > MP_MOST_DRAWN)
        count = mp_members_unlike(members, chosen, MP_MOST_DRAWN);
    for (size_t i = 0; i < count; i++) {
        size_t which = members->count > MP_MOST_DRAWN ? chosen[i] : i;
        if (is_in(&members->items[which], &whole->lanes))
            whole->drawn[whole->drawn_count++] = members->items[which].number;
    }
}

static int64_t earliest(const struct mp_members *members)
{
    int64_t first = members->items[0].from;
    for (size_t i = 1; i < members->count; i++)
        if (members->items[i].from < first)
            first = members->items[i].from;
    return first;
}

int mp_whole_init(struct mp_whole *whole, struct mp_timeline *timelines,
                  const char *const *files, size_t count, struct mp_whole_options *options,
                  const struct mp_lanes_options *window)
{
    *whole = (struct mp_whole){0};
    if (options->overlay || count < 2)
        return 0;
    mp_clocks_apply(&whole->clocks, timelines, count, options->offsets,
                    options->offset_count);
    int code = check_met(options);
    if (code)
        return code;
    if (mp_members_init(&whole->members, timelines, files, count))
        return mp_fail("out of memory");
    whole->is = whole->members.count > 1 && (options->offset_count > options->measured ||
                                             mp_members_are_whole(&whole->members));
    if (!whole->is)
        return 0;
    struct mp_lanes_options lanes = *window;
    int64_t origin = earliest(&whole->members);
    if (lanes.to >= 0) {
        lanes.from = mp_sum(origin, lanes.from);
        lanes.to = mp_sum(origin, lanes.to);
    }
    if (mp_lanes_init(&whole->lanes, &whole->members, &lanes))
        return mp_fail("out of memory");
    choose_drawn(whole);
    if (!whole->drawn_count)
        return mp_fail("plot: nothing was recorded in this window");
    whole->shown =
        (struct mp_figure_whole){&whole->members, &whole->lanes, &whole->clocks, origin};
    return 0;
}

void mp_whole_release(struct mp_whole *whole)
{
    mp_members_release(&whole->members);
    mp_lanes_release(&whole->lanes);
}
