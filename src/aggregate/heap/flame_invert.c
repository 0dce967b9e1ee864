#include "aggregate/heap/flame_invert.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/mix.h"
#include "base/slots.h"

/* Work is bounded where somebody made the file to hurt: frames made for each that is opened, steps
   to a caller for each that allocated. */
enum { OPENED_MOST = 100000, MADE_FOR_EACH = 8, STEPS_FOR_EACH = 50 };

/* What allocated, and the caller of it that is looked at. Those that have the same callers up to
   there lie side by side. */
struct member {
    uint32_t key; /* the same for frames that look the same, from 1 on; 0: the root */
    uint32_t caller, frame;
};

/* A frame that may be opened, and its members. */
struct group {
    double share;
    uint32_t frame, first, count;
};

struct inverting {
    const struct mp_flame *flame; /* figures are their own */
    uint32_t *keys;               /* of each frame, in the order of the first like it */
    size_t key_count;
    struct member *members;
    struct member *sorted; /* owned: room for as many; NULL: not needed yet */
    uint32_t *ends; /* owned: of each key, where its members end, while they are sorted */
    struct mp_flame made;
    size_t room;
    uint32_t
        *moved; /* borrowed; of each frame of `flame`: the last of its callers; or NULL */
    struct group *heap; /* the one with the largest share first */
    size_t waiting, heap_room;
};

static bool is_alike(const struct mp_flame_frame *a, const struct mp_flame_frame *b)
{
    return a->kind == b->kind && a->sum.code == b->sum.code && a->sum.line == b->sum.line;
}

static int find_keys(struct inverting *inverting)
{
    const struct mp_flame *flame = inverting->flame;
    struct mp_slots slots;
    int failed = mp_slots_init(&slots, 0);
    for (uint32_t i = 1; i < flame->count && !failed; i++) {
        const struct mp_flame_frame *frame = &flame->frames[i];
        struct mp_slots_at at;
        uint64_t hash =
            mp_mix(mp_mix(frame->kind, frame->sum.code), (uint32_t)frame->sum.line);
        bool known = false;
        mp_slots_begin(&at, &slots, hash);
        while (!known && mp_slots_next(&at, &slots))
            known = is_alike(&flame->frames[at.number], frame);
        inverting->keys[i] =
            known ? inverting->keys[at.number] : (uint32_t)++inverting->key_count;
        failed = known ? 0 : mp_slots_put(&at, &slots, i);
    }
    mp_slots_release(&slots);
    return failed;
}

static bool is_before(const struct group *a, const struct group *b)
{
    return a->share != b->share ? a->share > b->share : a->frame < b->frame;
}

static int push(struct inverting *inverting, struct group group)
{
    if (mp_array_reserve((void **)&inverting->heap, &inverting->heap_room,
                         inverting->waiting + 1, sizeof *inverting->heap))
        return -1;
    size_t at = inverting->waiting++;
    for (; at && is_before(&group, &inverting->heap[(at - 1) / 2]); at = (at - 1) / 2)
        inverting->heap[at] = inverting->heap[(at - 1) / 2];
    inverting->heap[at] = group;
    return 0;
}

static struct group pop(struct inverting *inverting)
{
    struct group *heap = inverting->heap, first = heap[0];
    struct group last = heap[--inverting->waiting];
    size_t at = 0, count = inverting->waiting;
    for (size_t next = 1; next < count; next = 2 * at + 1) {
        next += next + 1 < count && is_before(&heap[next + 1], &heap[next]);
        if (!is_before(&heap[next], &last))
            break;
        heap[at] = heap[next];
        at = next;
    }
    heap[at] = last;
    return first;
}

/* A frame below `parent` for members that look the same, with what they hold. */
static int add_frame(struct inverting *inverting, uint32_t parent, uint32_t first,
                     uint32_t count)
{
    struct mp_flame *made = &inverting->made;
    const struct mp_flame_frame *frames = inverting->flame->frames;
    const struct member *members = inverting->members + first;
    const struct mp_flame_frame *like = &frames[members->caller];
    if (mp_array_reserve((void **)&made->frames, &inverting->room, made->count + 1,
                         sizeof *made->frames))
        return -1;
    struct mp_flame_frame *frame = &made->frames[made->count];
    *frame =
        (struct mp_flame_frame){.parent = parent,
                                .depth = made->frames[parent].depth + 1,
                                .kind = like->kind,
                                .sum = {.code = like->sum.code, .line = like->sum.line}};
    for (uint32_t i = 0; i < count; i++) {
        const struct mp_flame_frame *its = &frames[members[i].frame];
        uint32_t times = frames[members[i].caller].times;
        mp_heap_line_add(&frame->sum, &its->sum);
        frame->stacks += its->stacks;
        if (inverting->moved)
            inverting->moved[members[i].frame] = (uint32_t)made->count;
        if (frame->times < times)
            frame->times = times;
    }
    double share = mp_heap_line_share(&frame->sum, &made->frames[0].sum);
    return push(inverting, (struct group){share, (uint32_t)made->count++, first, count});
}

static int by_key(const void *left, const void *right)
{
    const struct member *a = left, *b = right;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return (a->frame > b->frame) - (a->frame < b->frame);
}

/* Of many: counted, not compared. Those of a key stay in order. */
static int sort_by_key(struct inverting *inverting, struct member *members, uint32_t count)
{
    size_t keys = inverting->key_count + 1;
    if (count < keys) {
        qsort(members, count, sizeof *members, by_key);
        return 0;
    }
    if (!inverting->sorted)
        inverting->sorted = calloc(inverting->flame->count, sizeof *members);
    if (!inverting->ends)
        inverting->ends = calloc(keys + 1, sizeof *inverting->ends);
    uint32_t *ends = inverting->ends;
    if (!inverting->sorted || !ends)
        return -1;
    memset(ends, 0, (keys + 1) * sizeof *ends);
    for (uint32_t i = 0; i < count; i++)
        ends[members[i].key + 1]++;
    for (size_t key = 1; key < keys; key++)
        ends[key] += ends[key - 1];
    for (uint32_t i = 0; i < count; i++)
        inverting->sorted[ends[members[i].key]++] = members[i];
    memcpy(members, inverting->sorted, count * sizeof *members);
    return 0;
}

static bool is_sorted(const struct member *members, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++)
        if (members[i].key < members[i - 1].key)
            return false;
    return true;
}

/* The frames below one: a frame for each key that its members have. */
static int add_frames(struct inverting *inverting, uint32_t parent, uint32_t first,
                      uint32_t count)
{
    struct member *members = inverting->members;
    int failed = 0;
    if (!is_sorted(members + first, count))
        failed = sort_by_key(inverting, members + first, count);
    for (uint32_t i = first, end = first + count; i < end && !failed;) {
        uint32_t from = i, key = members[i].key;
        while (i < end && members[i].key == key)
            i++;
        if (key)
            failed = add_frame(inverting, parent, from, i - from);
    }
    return failed;
}

/* One step to the callers. */
static int open_group(struct inverting *inverting, const struct group *group)
{
    for (uint32_t i = group->first; i < group->first + group->count; i++) {
        struct member *member = &inverting->members[i];
        member->caller = inverting->flame->frames[member->caller].parent;
        member->key = inverting->keys[member->caller];
    }
    return add_frames(inverting, group->frame, group->first, group->count);
}

static uint32_t find_members(struct inverting *inverting)
{
    const struct mp_flame *flame = inverting->flame;
    struct mp_flame_frame *whole = &inverting->made.frames[0];
    uint32_t count = 0;
    for (uint32_t i = 0; i < flame->count; i++) {
        const struct mp_flame_frame *frame = &flame->frames[i];
        mp_heap_line_add(&whole->sum, &frame->sum);
        whole->stacks += frame->stacks;
        if (i && (mp_heap_line_is_used(&frame->sum) || frame->stacks))
            inverting->members[count++] = (struct member){inverting->keys[i], i, i};
    }
    inverting->made.count = 1;
    return count;
}

/* The largest first, so that the budget goes where it shows. What is not opened is smaller than all
   that is, and is pruned. */
static int invert(struct inverting *inverting, struct mp_flame_options *options)
{
    size_t opened = 0, steps = 0,
           most = options->most < OPENED_MOST ? options->most : OPENED_MOST;
    uint32_t count = find_members(inverting);
    size_t room = count + MADE_FOR_EACH * most, walk = STEPS_FOR_EACH * (size_t)count;
    int failed = add_frames(inverting, 0, 0, count);
    while (!failed && inverting->waiting && inverting->heap[0].share >= options->least &&
           opened < most && inverting->made.count < room && steps <= walk) {
        struct group group = pop(inverting);
        opened++;
        steps += group.count;
        failed = open_group(inverting, &group);
    }
    if (!failed && inverting->waiting && inverting->heap[0].share >= options->least)
        options->least = inverting->heap[0].share * (1 + DBL_EPSILON);
    return failed;
}

int mp_flame_invert(struct mp_flame *made, const struct mp_flame *flame,
                    struct mp_flame_options *options, uint32_t *moved)
{
    size_t count = flame->count;
    struct inverting inverting = {.flame = flame,
                                  .moved = moved,
                                  .keys = calloc(count, sizeof *inverting.keys),
                                  .members = calloc(count, sizeof *inverting.members)};
    bool failed = !inverting.keys || !inverting.members || find_keys(&inverting) ||
                  mp_array_reserve((void **)&inverting.made.frames, &inverting.room, 1,
                                   sizeof *inverting.made.frames);
    if (!failed) {
        memset(&inverting.made.frames[0], 0, sizeof *inverting.made.frames);
        failed = invert(&inverting, options) != 0;
    }
    free(inverting.keys);
    free(inverting.members);
    free(inverting.sorted);
    free(inverting.ends);
    free(inverting.heap);
    if (failed) {
        free(inverting.made.frames);
        return -1;
    }
    made->frames = inverting.made.frames;
    made->count = inverting.made.count;
    return 0;
}
