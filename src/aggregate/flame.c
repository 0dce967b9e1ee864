#include "aggregate/flame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/heap_own.h"
#include "aggregate/heap_stacks.h"

static const uint32_t NOWHERE = UINT32_MAX;

/* The graph while it is built. There are never more frames than stacks: each frame, also one
   that stands for others, takes the place of a stack at least. */
struct building {
    struct mp_flame_frame *frames;
    size_t count;
    uint32_t *slots; /* an index of the frames: positions + 1 */
    size_t mask;
    struct mp_heap_own own;
    struct mp_heap_stacks stacks;
    uint32_t *place; /* of each stack, later of each frame */
    uint32_t *other; /* the frame for what is smaller below each frame kept */
};

static int building_init(struct building *building, const struct mp_heap_view *view)
{
    size_t count = view->counts[MP_HEAP_NODES], room = 16;
    while (room < count * 2)
        room *= 2;
    *building = (struct building){.frames = calloc(count + 1, sizeof *building->frames),
                                  .slots = calloc(room, sizeof *building->slots),
                                  .mask = room - 1,
                                  .place = calloc(count + 1, sizeof *building->place),
                                  .other = calloc(count + 1, sizeof *building->other)};
    bool failed = mp_heap_own_init(&building->own, view) != 0;
    failed |= mp_heap_stacks_init(&building->stacks, view) != 0;
    return failed || !building->frames || !building->slots || !building->place ||
                   !building->other
               ? -1
               : 0;
}

static void building_release(struct building *building)
{
    mp_heap_own_release(&building->own);
    mp_heap_stacks_release(&building->stacks);
    free(building->slots);
    free(building->place);
    free(building->other);
}

static bool is_same(const struct mp_flame_frame *a, const struct mp_flame_frame *b)
{
    return a->parent == b->parent && a->kind == b->kind && a->sum.code == b->sum.code &&
           a->sum.line == b->sum.line;
}

/* The position of a frame like `wanted`, made when there is none. */
static uint32_t find_or_add(struct building *building, const struct mp_flame_frame *wanted)
{
    uint64_t hash =
        ((uint64_t)wanted->parent << 32 | wanted->sum.code) * 0x9E3779B97F4A7C15u +
        (uint32_t)wanted->sum.line;
    hash = (hash ^ hash >> 29) * 0xBF58476D1CE4E5B9u;
    size_t at = (size_t)(hash >> 32) & building->mask;
    for (; building->slots[at]; at = (at + 1) & building->mask)
        if (is_same(&building->frames[building->slots[at] - 1], wanted))
            return building->slots[at] - 1;
    building->frames[building->count] = *wanted;
    building->slots[at] = (uint32_t)++building->count;
    return building->slots[at] - 1;
}

static uint32_t frame_of(struct building *building, const struct mp_heap_view *view,
                         uint32_t index, const struct mp_flame_options *options)
{
    const struct mp_heap_node *node = &view->nodes[index];
    uint32_t above = building->place[node->parent];
    int line = building->stacks.lines[index];
    const struct mp_flame_frame *parent = &building->frames[above];
    struct mp_flame_frame wanted = {.parent = above, .depth = parent->depth + 1};
    if (parent->kind == MP_FLAME_DEEPER || mp_heap_own_is_outer(&building->own, index) ||
        mp_heap_own_is_ours(&building->own, index))
        return above;
    if (options->fold && above && node->code == parent->sum.code &&
        line == parent->sum.line)
        return above;
    if (parent->depth >= options->depth) {
        wanted.kind = MP_FLAME_DEEPER;
    } else {
        wanted.sum.code = node->code;
        wanted.sum.line = line;
    }
    return find_or_add(building, &wanted);
}

/* Whether a stack allocates for the first time; `other` marks those that did, for now. */
static bool is_new_stack(struct building *building, const struct mp_heap_view *view,
                         uint32_t node)
{
    uint32_t first = building->stacks.first[node];
    bool is_new = view->nodes[node].blocks && !building->other[first];
    building->other[first] |= view->nodes[node].blocks > 0;
    return is_new;
}

/* What the program calls through our frames is called by their callers; what we allocate there
   is nobody's but ours. */
static uint32_t frame_of_figures(struct building *building, uint32_t index)
{
    struct mp_flame_frame wanted = {.kind = MP_FLAME_OWN, .depth = 1};
    bool ours = mp_heap_own_is_ours(&building->own, index);
    return ours ? find_or_add(building, &wanted) : building->place[index];
}

/* Callers come before callees: one pass forward places the stacks, one back sums them. */
static void merge(struct building *building, const struct mp_heap_view *view,
                  const struct mp_flame_options *options)
{
    struct mp_flame_frame *frames = building->frames;
    building->count = 1;
    for (uint32_t i = 0; i < view->counts[MP_HEAP_NODES]; i++) {
        struct mp_heap_line figures = mp_heap_line_of(view, i);
        building->place[i] = i ? frame_of(building, view, i, options) : 0;
        uint32_t at = mp_heap_was_used(&view->nodes[i]) ? frame_of_figures(building, i)
                                                        : building->place[i];
        mp_heap_line_add(&frames[at].sum, &figures);
        frames[at].stacks += is_new_stack(building, view, i);
    }
    for (size_t i = building->count - 1; i > 0; i--) {
        mp_heap_line_add(&frames[frames[i].parent].sum, &frames[i].sum);
        frames[frames[i].parent].stacks += frames[i].stacks;
    }
}

static size_t count_shown(const struct building *building, double least)
{
    size_t shown = 0;
    for (size_t i = 1; i < building->count; i++)
        shown +=
            mp_heap_line_share(&building->frames[i].sum, &building->frames[0].sum) >= least;
    return shown;
}

static double raise_least(const struct building *building,
                          const struct mp_flame_options *options)
{
    double least = options->least;
    while (count_shown(building, least) > options->most)
        least = least > 0 ? least * 1.5 : 1e-6;
    return least;
}

static uint32_t append(struct building *building, const struct mp_flame_frame *frame,
                       uint32_t parent)
{
    building->frames[building->count] = *frame;
    building->frames[building->count].parent = parent;
    return (uint32_t)building->count++;
}

static void add_smaller(struct building *building, const struct mp_flame_frame *frame,
                        uint32_t parent)
{
    if (!building->other[parent]) {
        struct mp_flame_frame smaller = {.kind = MP_FLAME_SMALLER, .depth = frame->depth};
        building->other[parent] = append(building, &smaller, parent);
    }
    struct mp_flame_frame *smaller = &building->frames[building->other[parent]];
    mp_heap_line_add(&smaller->sum, &frame->sum);
    smaller->stacks += frame->stacks;
}

/* In place: what is kept, or stands for what is not, never passes what is read. A frame's share
   is at most its caller's, so what is kept hangs together. */
static void prune(struct building *building, double least)
{
    size_t count = building->count;
    struct mp_heap_line whole = building->frames[0].sum;
    memset(building->other, 0, count * sizeof *building->other);
    building->count = 1;
    building->place[0] = 0;
    for (size_t i = 1; i < count; i++) {
        struct mp_flame_frame frame = building->frames[i];
        uint32_t parent = building->place[frame.parent];
        bool kept = parent != NOWHERE && frame.sum.blocks &&
                    mp_heap_line_share(&frame.sum, &whole) >= least;
        building->place[i] = kept ? append(building, &frame, parent) : NOWHERE;
        if (!kept && parent != NOWHERE && frame.sum.blocks)
            add_smaller(building, &frame, parent);
    }
}

int mp_flame_init(struct mp_flame *flame, const struct mp_heap_view *view,
                  const struct mp_flame_options *options)
{
    struct building building;
    int failed = building_init(&building, view);
    *flame = (struct mp_flame){0};
    if (!failed) {
        merge(&building, view, options);
        flame->least = raise_least(&building, options);
        prune(&building, flame->least);
        flame->count = building.count;
    }
    flame->frames = building.frames;
    building_release(&building);
    if (!failed)
        return 0;
    mp_flame_release(flame);
    errno = ENOMEM;
    return -1;
}

void mp_flame_release(struct mp_flame *flame)
{
    free(flame->frames);
    *flame = (struct mp_flame){0};
}
