#include "aggregate/heap/flame_members.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/saturate.h"

enum { MOST = 24000, LEAST_EACH = 16 }; /* entries of a page, and of a group */

struct collecting {
    const struct mp_heap_merge *merge;
    const struct mp_flame *flame;
    const size_t *groups_of;
    size_t *starts; /* owned: of each process its first share, and the end of all */
    int64_t *bytes; /* owned: of each frame, of the group at hand */
    struct mp_flame_member *found; /* owned: its frames */
    size_t each;                   /* that are kept of a group */
    size_t room;
};

static int by_bytes(const void *left, const void *right)
{
    const struct mp_flame_member *a = left, *b = right;
    if (a->bytes != b->bytes)
        return a->bytes < b->bytes ? 1 : -1;
    return (a->frame > b->frame) - (a->frame < b->frame);
}

static int by_frame(const void *left, const void *right)
{
    const struct mp_flame_member *a = left, *b = right;
    if (a->frame != b->frame)
        return a->frame < b->frame ? -1 : 1;
    return (a->group > b->group) - (a->group < b->group);
}

/* The shares of a process stand together, in the order in which they were merged. */
static void find_starts(struct collecting *collecting)
{
    const struct mp_heap_merge *merge = collecting->merge;
    size_t at = 0;
    for (size_t process = 0; process <= merge->processes; process++) {
        while (at < merge->share_count && merge->shares[at].process < process)
            at++;
        collecting->starts[process] = at;
    }
}

/* Adds a process's shares to the frames of its group, each of which is found once. */
static size_t add(struct collecting *collecting, size_t process, size_t count)
{
    const struct mp_heap_share *shares = collecting->merge->shares;
    for (size_t at = collecting->starts[process]; at < collecting->starts[process + 1];
         at++) {
        uint32_t frame = collecting->flame->places[shares[at].node];
        if (!frame || shares[at].bytes <= 0)
            continue;
        if (!collecting->bytes[frame])
            collecting->found[count++].frame = frame;
        collecting->bytes[frame] = mp_sum(collecting->bytes[frame], shares[at].bytes);
    }
    return count;
}

/* The frames of a group. How many. */
static size_t find(struct collecting *collecting, size_t group)
{
    size_t count = 0;
    for (size_t i = 0; i < collecting->merge->processes; i++)
        if (collecting->groups_of[i] == group)
            count = add(collecting, i, count);
    for (size_t i = 0; i < count; i++) {
        struct mp_flame_member *found = &collecting->found[i];
        found->group = (uint32_t)group;
        found->bytes = collecting->bytes[found->frame];
        collecting->bytes[found->frame] = 0;
    }
    return count;
}

static int keep(struct mp_flame_members *members, struct collecting *collecting,
                size_t count)
{
    if (count > collecting->each) {
        qsort(collecting->found, count, sizeof *collecting->found, by_bytes);
        count = collecting->each;
    }
    if (mp_array_reserve((void **)&members->held, &collecting->room, members->count + count,
                         sizeof *members->held))
        return -1;
    for (size_t i = 0; i < count; i++)
        members->held[members->count++] = collecting->found[i];
    return 0;
}

int mp_flame_members_init(struct mp_flame_members *members,
                          const struct mp_heap_merge *merge, const struct mp_flame *flame,
                          const size_t *groups_of, size_t groups)
{
    size_t each = MOST / (groups ? groups : 1);
    struct collecting collecting = {
        .merge = merge,
        .flame = flame,
        .groups_of = groups_of,
        .starts = calloc(merge->processes + 1, sizeof *collecting.starts),
        .bytes = calloc(flame->count + 1, sizeof *collecting.bytes),
        .found = calloc(flame->count + 1, sizeof *collecting.found),
        .each = each < LEAST_EACH ? LEAST_EACH : each};
    *members = (struct mp_flame_members){0};
    int failed = !collecting.starts || !collecting.bytes || !collecting.found;
    if (!failed)
        find_starts(&collecting);
    for (size_t group = 0; group < groups && !failed; group++)
        failed = keep(members, &collecting, find(&collecting, group));
    if (!failed && members->count)
        qsort(members->held, members->count, sizeof *members->held, by_frame);
    free(collecting.starts);
    free(collecting.bytes);
    free(collecting.found);
    return failed ? -1 : 0;
}

void mp_flame_members_release(struct mp_flame_members *members)
{
    free(members->held);
    *members = (struct mp_flame_members){0};
}
