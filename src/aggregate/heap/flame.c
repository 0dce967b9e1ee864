#include "aggregate/heap/flame.h"

#include <errno.h>
#include <stdlib.h>

#include "aggregate/heap/flame_invert.h"
#include "aggregate/heap/flame_merge.h"
#include "aggregate/heap/flame_prune.h"

/* One pass back adds what was called. */
static void sum_up(struct mp_flame *flame)
{
    struct mp_flame_frame *frames = flame->frames;
    for (size_t i = flame->count - 1; i > 0; i--) {
        mp_heap_line_add(&frames[frames[i].parent].sum, &frames[i].sum);
        frames[frames[i].parent].stacks += frames[i].stacks;
    }
}

static double find_folded(const struct mp_flame *flame)
{
    double most = 0;
    for (size_t i = 1; i < flame->count; i++) {
        double share = mp_heap_line_share(&flame->frames[i].sum, &flame->frames[0].sum);
        if (flame->frames[i].times && share > most)
            most = share;
    }
    return most;
}

/* Figures that were in one frame are in another. */
static void move_places(struct mp_flame *flame, size_t nodes, const uint32_t *moved)
{
    for (size_t i = 0; i < nodes && flame->places; i++)
        flame->places[i] = moved[flame->places[i]];
}

/* For a frame's new position each, where places are wanted. */
static int make_moved(uint32_t **moved, const struct mp_flame *flame)
{
    *moved = flame->places ? calloc(flame->count, sizeof **moved) : NULL;
    return flame->places && !*moved ? -1 : 0;
}

/* The figures have their callees in them: what is too small is dropped. */
static int finish(struct mp_flame *flame, size_t nodes,
                  const struct mp_flame_options *options)
{
    uint32_t *moved;
    if (make_moved(&moved, flame))
        return -1;
    int failed = mp_flame_prune(flame, options->least, options->most, moved);
    if (!failed)
        move_places(flame, nodes, moved);
    free(moved);
    if (failed)
        return -1;
    flame->folded = find_folded(flame);
    void *less = realloc(flame->frames, flame->count * sizeof *flame->frames);
    flame->frames = less ? less : flame->frames;
    return 0;
}

static int copy_places(struct mp_flame *flame, const struct mp_flame *merged, size_t nodes)
{
    if (!merged->places)
        return 0;
    flame->places = calloc(nodes + 1, sizeof *flame->places);
    for (size_t i = 0; i < nodes && flame->places; i++)
        flame->places[i] = merged->places[i];
    return flame->places ? 0 : -1;
}

/* Of merged frames, which stay as they are. */
static int turn_over(struct mp_flame *flame, const struct mp_flame *merged, size_t nodes,
                     struct mp_flame_options options)
{
    uint32_t *moved;
    *flame = (struct mp_flame){.inverted = true};
    if (make_moved(&moved, merged))
        return -1;
    int failed = mp_flame_invert(flame, merged, &options, moved) ||
                 copy_places(flame, merged, nodes);
    if (!failed)
        move_places(flame, nodes, moved);
    free(moved);
    return failed ? -1 : finish(flame, nodes, &options);
}

int mp_flame_init(struct mp_flame *flame, const struct mp_heap_view *view,
                  const struct mp_flame_options *options)
{
    size_t nodes = view->counts[MP_HEAP_NODES];
    struct mp_flame merged;
    bool cycles;
    *flame = (struct mp_flame){0};
    int failed = mp_flame_merge(&merged, view, options, &cycles);
    if (!failed && options->inverted) {
        failed = turn_over(flame, &merged, nodes, *options);
        mp_flame_release(&merged);
    } else {
        *flame = merged;
        if (!failed)
            sum_up(flame);
        failed = failed || finish(flame, nodes, options);
    }
    if (!failed)
        return 0;
    mp_flame_release(flame);
    errno = ENOMEM;
    return -1;
}

int mp_flame_init_both(struct mp_flame both[2], const struct mp_heap_view *view,
                       const struct mp_flame_options *options)
{
    size_t nodes = view->counts[MP_HEAP_NODES];
    bool cycles;
    both[1] = (struct mp_flame){0};
    int failed = mp_flame_merge(&both[0], view, options, &cycles);
    bool wanted = !options->fold || cycles;
    if (!failed && wanted) {
        struct mp_flame_options inverted = *options;
        inverted.most = options->most_inverted;
        failed = turn_over(&both[1], &both[0], nodes, inverted);
        if (!failed)
            sum_up(&both[0]);
        failed = failed || finish(&both[0], nodes, options);
    }
    if (!failed && wanted)
        return 0;
    mp_flame_release(&both[0]);
    mp_flame_release(&both[1]);
    errno = ENOMEM;
    return failed ? -1 : 0;
}

void mp_flame_release(struct mp_flame *flame)
{
    free(flame->frames);
    free(flame->places);
    *flame = (struct mp_flame){0};
}
