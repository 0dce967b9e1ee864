#include "aggregate/heap/flame_prune.h"

#include <stdlib.h>

static const uint32_t NOWHERE = UINT32_MAX;
static const double LINES_FIRST =
    16; /* inverted: lines that allocated before their callers */

struct pruning {
    struct mp_flame *flame;
    uint32_t *place; /* of each frame: where it went */
    uint32_t *other; /* the frame for what is smaller below each frame kept */
    double *shares;  /* of each frame, of the whole: asked for again and again */
};

static int pruning_init(struct pruning *pruning, struct mp_flame *flame)
{
    *pruning = (struct pruning){flame, calloc(flame->count, sizeof *pruning->place),
                                calloc(flame->count, sizeof *pruning->other),
                                calloc(flame->count, sizeof *pruning->shares)};
    if (!pruning->place || !pruning->other || !pruning->shares)
        return -1;
    for (size_t i = 1; i < flame->count; i++) {
        const struct mp_flame_frame *frame = &flame->frames[i];
        double times = flame->inverted && frame->depth == 1 ? LINES_FIRST : 1;
        pruning->shares[i] = times * mp_heap_line_share(&frame->sum, &flame->frames[0].sum);
    }
    return 0;
}

static void pruning_release(struct pruning *pruning)
{
    free(pruning->place);
    free(pruning->other);
    free(pruning->shares);
}

static size_t count_shown(const struct pruning *pruning, double least)
{
    size_t shown = 0;
    for (size_t i = 1; i < pruning->flame->count; i++)
        shown += pruning->shares[i] >= least;
    return shown;
}

static double raise_least(const struct pruning *pruning, double least, size_t most)
{
    while (count_shown(pruning, least) > most)
        least = least > 0 ? least * 1.5 : 1e-6;
    return least;
}

static uint32_t append(struct mp_flame *flame, const struct mp_flame_frame *frame,
                       uint32_t parent)
{
    flame->frames[flame->count] = *frame;
    flame->frames[flame->count].parent = parent;
    return (uint32_t)flame->count++;
}

static void add_smaller(struct pruning *pruning, const struct mp_flame_frame *frame,
                        uint32_t parent)
{
    struct mp_flame *flame = pruning->flame;
    if (!pruning->other[parent]) {
        struct mp_flame_frame smaller = {.kind = MP_FLAME_SMALLER, .depth = frame->depth};
        pruning->other[parent] = append(flame, &smaller, parent);
    }
    struct mp_flame_frame *smaller = &flame->frames[pruning->other[parent]];
    mp_heap_line_add(&smaller->sum, &frame->sum);
    smaller->stacks += frame->stacks;
}

/* In place: what is kept, or stands for what is not, never passes what is read. A frame's share
   is at most its caller's, so what is kept hangs together. */
static void cut(struct pruning *pruning, double least, uint32_t *moved)
{
    struct mp_flame *flame = pruning->flame;
    size_t count = flame->count;
    flame->count = 1;
    if (moved)
        moved[0] = 0;
    for (size_t i = 1; i < count; i++) {
        struct mp_flame_frame frame = flame->frames[i];
        uint32_t parent = pruning->place[frame.parent];
        bool used = mp_heap_line_is_used(&frame.sum);
        bool kept = parent != NOWHERE && used && pruning->shares[i] >= least;
        pruning->place[i] = kept ? append(flame, &frame, parent) : NOWHERE;
        if (!kept && parent != NOWHERE && used)
            add_smaller(pruning, &frame, parent);
        if (moved)
            moved[i] = kept                ? pruning->place[i]
                       : parent == NOWHERE ? moved[frame.parent]
                       : used              ? pruning->other[parent]
                                           : parent;
    }
}

int mp_flame_prune(struct mp_flame *flame, double least, size_t most, uint32_t *moved)
{
    struct pruning pruning;
    int failed = pruning_init(&pruning, flame);
    if (!failed) {
        flame->least = raise_least(&pruning, least, most);
        cut(&pruning, flame->least, moved);
    }
    pruning_release(&pruning);
    return failed;
}
