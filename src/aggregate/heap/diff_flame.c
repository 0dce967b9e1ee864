#include "aggregate/heap/diff_flame.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/mix.h"
#include "base/saturate.h"
#include "base/slots.h"

enum { DEEPEST = 400 };

struct building {
    const struct mp_heap_diff *diff;
    struct mp_diff_flame *flame;
    struct mp_slots slots; /* positions + 1 of the frames */
    uint32_t *place;       /* owned; of each node of a side: its frame */
};

static bool is_same(const struct mp_diff_frame *a, const struct mp_diff_frame *b)
{
    return a->parent == b->parent && a->kind == b->kind && a->key.what == b->key.what &&
           a->key.line == b->key.line;
}

/* Its position + 1; 0 with errno ENOMEM. */
static uint32_t find(struct building *building, const struct mp_diff_frame *wanted)
{
    struct mp_diff_flame *flame = building->flame;
    uint64_t hash = mp_mix(mp_mix(wanted->parent, wanted->key.what),
                           mp_mix((uint32_t)wanted->key.line, wanted->kind));
    struct mp_slots_at at;
    for (mp_slots_begin(&at, &building->slots, hash); mp_slots_next(&at, &building->slots);)
        if (is_same(&flame->frames[at.number - 1], wanted))
            return at.number;
    if (mp_array_reserve((void **)&flame->frames, &flame->room, flame->count + 1,
                         sizeof *flame->frames) ||
        mp_slots_put(&at, &building->slots, (uint32_t)flame->count + 1))
        return 0;
    flame->frames[flame->count] = *wanted;
    flame->frames[flame->count].depth = flame->frames[wanted->parent].depth + 1;
    return (uint32_t)++flame->count;
}

/* A frame of one side below another, or what stands for it; its position + 1, or 0 with errno
   ENOMEM. */
static uint32_t frame_below(struct building *building, int side, uint32_t parent,
                            uint32_t node, enum mp_heap_difference_kind kind)
{
    const struct mp_heap_twins *twins = &building->diff->twins;
    const struct mp_heap_side *its = &building->diff->sides[side];
    struct mp_diff_frame wanted = {.kind = kind, .parent = parent};
    uint32_t code = its->view->nodes[node].code;
    if (kind == MP_HEAP_ROW_PLACE) {
        int line = its->lines[node], after = line;
        wanted.key.what = twins->functions[side][code];
        if (side == MP_HEAP_BEFORE)
            after = mp_heap_twins_line(twins, building->diff->sides, wanted.key.what, line);
        wanted.key.line = after ? after : -line;
    }
    uint32_t found = find(building, &wanted);
    if (found && kind == MP_HEAP_ROW_PLACE) {
        building->flame->frames[found - 1].code[side] = code;
        building->flame->frames[found - 1].line[side] = its->lines[node];
    }
    return found;
}

/* What only started the program, what is ours and import machinery are no frames. */
static bool is_shown(const struct mp_heap_side *its, uint32_t node)
{
    return !mp_heap_own_is_outer(its->own, node) && !mp_heap_own_is_ours(its->own, node) &&
           !mp_heap_own_is_importer(its->own, its->view->nodes[node].code);
}

/* The frame + 1 that has a node's figures; 0 with errno ENOMEM. */
static uint32_t frame_of_figures(struct building *building, int side, uint32_t node)
{
    const struct mp_heap_side *its = &building->diff->sides[side];
    uint32_t place = building->place[node];
    if (mp_heap_own_is_ours(its->own, node))
        return frame_below(building, side, 0, node, MP_HEAP_ROW_OWN);
    if (mp_heap_own_is_importer(its->own, its->view->nodes[node].code))
        return frame_below(building, side, place, node, MP_HEAP_ROW_IMPORTS);
    return place + 1;
}

static int add_side(struct building *building, int side)
{
    const struct mp_heap_side *its = &building->diff->sides[side];
    const struct mp_heap_view *view = its->view;
    struct mp_diff_flame *flame = building->flame;
    building->place = calloc(view->counts[MP_HEAP_NODES] + 1, sizeof *building->place);
    if (!building->place)
        return -1;
    for (uint32_t i = 0; i < view->counts[MP_HEAP_NODES]; i++) {
        uint32_t above = building->place[view->nodes[i].parent], place = above + 1;
        if (i && is_shown(its, i) && flame->frames[above].depth < DEEPEST)
            place = frame_below(building, side, above, i, MP_HEAP_ROW_PLACE);
        if (!place)
            return -1;
        building->place[i] = place - 1;
        if (!mp_heap_has_figures(view, i))
            continue;
        struct mp_heap_line figures = mp_heap_line_of(view, i);
        if (!(place = frame_of_figures(building, side, i)))
            return -1;
        int64_t *bytes = &flame->frames[place - 1].bytes[side];
        *bytes = mp_sum(*bytes, mp_heap_amount_of(&figures, building->diff->measure).bytes);
    }
    free(building->place);
    building->place = NULL;
    return 0;
}

/* Callees come behind their callers. */
static void sum_up(struct mp_diff_flame *flame)
{
    for (size_t i = flame->count; i-- > 0;) {
        struct mp_diff_frame *frame = &flame->frames[i];
        int64_t growth =
            mp_difference(frame->bytes[MP_HEAP_AFTER], frame->bytes[MP_HEAP_BEFORE]);
        int64_t *side = growth > 0 ? &frame->grew : &frame->shrank;
        *side = mp_sum(*side, growth);
    }
    for (size_t i = flame->count; i-- > 1;) {
        const struct mp_diff_frame *frame = &flame->frames[i];
        struct mp_diff_frame *parent = &flame->frames[frame->parent];
        for (int side = 0; side < MP_HEAP_SIDES; side++)
            parent->bytes[side] = mp_sum(parent->bytes[side], frame->bytes[side]);
        parent->grew = mp_sum(parent->grew, frame->grew);
        parent->shrank = mp_sum(parent->shrank, frame->shrank);
    }
}

static double larger(double share, int64_t part, int64_t whole)
{
    double its = whole ? (double)part / (double)whole : 0;
    return its > share ? its : share;
}

/* The largest of its shares: a callee's is at most its caller's. */
static double share_of(const struct mp_diff_frame *frame, const struct mp_diff_frame *root)
{
    double share = 0;
    for (int side = 0; side < MP_HEAP_SIDES; side++)
        share = larger(share, frame->bytes[side], root->bytes[side]);
    share = larger(share, frame->grew, root->grew);
    return larger(share, frame->shrank, root->shrank);
}

static size_t count_with(const struct mp_diff_flame *flame, double least)
{
    size_t count = 0;
    for (size_t i = 0; i < flame->count; i++)
        count += share_of(&flame->frames[i], &flame->frames[0]) >= least;
    return count;
}

static int prune(struct mp_diff_flame *flame, size_t most)
{
    const struct mp_diff_frame root = flame->frames[0];
    double least = 1e-9;
    size_t count = 0;
    uint32_t *place = calloc(flame->count, sizeof *place);
    if (!place)
        return -1;
    while (count_with(flame, least) > most)
        least *= 2;
    for (size_t i = 0; i < flame->count; i++) {
        struct mp_diff_frame frame = flame->frames[i];
        if (i &&
            (share_of(&frame, &root) < least || (frame.parent && !place[frame.parent])))
            continue;
        frame.parent = place[frame.parent];
        place[i] = (uint32_t)count;
        flame->frames[count++] = frame;
    }
    flame->count = count;
    free(place);
    return 0;
}

int mp_diff_flame_init(struct mp_diff_flame *flame, const struct mp_heap_diff *diff,
                       size_t most)
{
    struct building building = {.diff = diff, .flame = flame};
    *flame = (struct mp_diff_flame){0};
    int failed =
        mp_slots_init(&building.slots, 0) ||
        mp_array_reserve((void **)&flame->frames, &flame->room, 1, sizeof *flame->frames);
    flame->count = 1; /* the root, zeroed */
    failed =
        failed || add_side(&building, MP_HEAP_BEFORE) || add_side(&building, MP_HEAP_AFTER);
    free(building.place);
    mp_slots_release(&building.slots);
    if (!failed) {
        sum_up(flame);
        failed = prune(flame, most);
    }
    if (failed)
        errno = ENOMEM;
    return failed ? -1 : 0;
}

void mp_diff_flame_release(struct mp_diff_flame *flame)
{
    free(flame->frames);
    *flame = (struct mp_diff_flame){0};
}
