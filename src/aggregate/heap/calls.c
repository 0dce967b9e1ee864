#include "aggregate/heap/calls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mix.h"
#include "base/saturate.h"
#include "base/slots.h"

static int64_t whole(uint64_t blocks)
{
    return blocks > INT64_MAX ? INT64_MAX : (int64_t)blocks;
}

struct mp_heap_amount mp_heap_amount_of(const struct mp_heap_line *sum,
                                        enum mp_heap_measure measure)
{
    switch (measure) {
    case MP_HEAP_MEASURE_LIVE:
        return (struct mp_heap_amount){sum->live, whole(sum->live_blocks)};
    case MP_HEAP_MEASURE_ALLOCATED:
        return (struct mp_heap_amount){mp_heap_line_total(sum), whole(sum->blocks)};
    case MP_HEAP_MEASURE_GROWTH:
        return (struct mp_heap_amount){sum->growth, sum->growth_blocks};
    default:
        return (struct mp_heap_amount){sum->at_peak, whole(sum->blocks_at_peak)};
    }
}

/* Sums that stopped at the largest number may be less than their parts; growth may be negative. */
static int64_t without(int64_t sum, int64_t part, bool may_be_less)
{
    return sum > part || may_be_less ? mp_difference(sum, part) : 0;
}

static void take_off(struct mp_heap_amount *from, const struct mp_heap_amount *part,
                     enum mp_heap_measure measure)
{
    bool may_be_less = measure == MP_HEAP_MEASURE_GROWTH;
    from->bytes = without(from->bytes, part->bytes, may_be_less);
    from->blocks = without(from->blocks, part->blocks, may_be_less);
}

static void find_own(struct mp_flame_calls *calls)
{
    const struct mp_flame_frame *frames = calls->flame->frames;
    for (size_t i = 0; i < calls->flame->count; i++)
        for (int measure = 0; measure < MP_HEAP_MEASURES; measure++) {
            struct mp_heap_amount sum = mp_heap_amount_of(&frames[i].sum, measure);
            calls->own[i][measure] = sum;
            if (i)
                take_off(&calls->own[frames[i].parent][measure], &sum,
                         (enum mp_heap_measure)measure);
        }
}

/* A frame, and what it is sorted by: of millions each look at a frame is a cache miss. */
struct weighed {
    uint64_t weight;
    uint32_t frame;
};

static int compare(const void *left, const void *right)
{
    const struct weighed *a = left, *b = right;
    return a->weight != b->weight ? (a->weight > b->weight ? 1 : -1)
                                  : (a->frame < b->frame) - (a->frame > b->frame);
}

/* From the least on, each becomes the first of its caller's. */
static int link_callees(struct mp_flame_calls *calls, enum mp_heap_measure measure)
{
    size_t count = calls->flame->count;
    const struct mp_flame_frame *frames = calls->flame->frames;
    struct weighed *order = calloc(count, sizeof *order);
    for (uint32_t i = 0; order && i < count; i++)
        order[i] = (struct weighed){
            mp_heap_magnitude(mp_heap_amount_of(&frames[i].sum, measure).bytes), i};
    if (order)
        qsort(order, count, sizeof *order, compare);
    for (size_t i = 0; order && i < count; i++) {
        uint32_t frame = order[i].frame,
                 *first = &calls->first_callee[frames[frame].parent];
        if (!frame)
            continue;
        calls->sibling[frame] = *first;
        *first = frame;
    }
    int failed = order ? 0 : -1;
    free(order);
    return failed;
}

static bool is_same(const struct mp_heap_spot *a, const struct mp_heap_spot *b)
{
    return a->code == b->code && a->line == b->line && a->kind == b->kind;
}

/* 0 with errno ENOMEM: that is the root's. */
static uint32_t find_or_add(struct mp_flame_calls *calls, struct mp_slots *slots,
                            const struct mp_heap_spot *spot)
{
    uint64_t hash = mp_mix(mp_mix(spot->code, (uint32_t)spot->line), spot->kind);
    struct mp_slots_at at;
    for (mp_slots_begin(&at, slots, hash); mp_slots_next(&at, slots);)
        if (is_same(&calls->spots[at.number], spot))
            return at.number;
    if (mp_slots_put(&at, slots, (uint32_t)calls->spot_count))
        return 0;
    calls->spots[calls->spot_count] = *spot;
    return (uint32_t)calls->spot_count++;
}

static int find_spots(struct mp_flame_calls *calls)
{
    struct mp_slots slots;
    const struct mp_flame_frame *frames = calls->flame->frames;
    int failed = mp_slots_init(&slots, calls->flame->count);
    calls->spot_count = 1;
    for (size_t i = 1; !failed && i < calls->flame->count; i++) {
        struct mp_heap_spot spot = {frames[i].sum.code, frames[i].sum.line, frames[i].kind};
        calls->numbers[i] = find_or_add(calls, &slots, &spot);
        failed = calls->numbers[i] ? 0 : -1;
    }
    mp_slots_release(&slots);
    return failed;
}

int mp_flame_calls_init(struct mp_flame_calls *calls, const struct mp_flame *flame,
                        enum mp_heap_measure measure)
{
    size_t count = flame->count;
    *calls =
        (struct mp_flame_calls){.flame = flame,
                                .own = calloc(count, sizeof *calls->own),
                                .first_callee = calloc(count, sizeof *calls->first_callee),
                                .sibling = calloc(count, sizeof *calls->sibling),
                                .numbers = calloc(count, sizeof *calls->numbers),
                                .spots = calloc(count, sizeof *calls->spots)};
    if (!calls->own || !calls->first_callee || !calls->sibling || !calls->numbers ||
        !calls->spots || link_callees(calls, measure) || find_spots(calls)) {
        errno = ENOMEM;
        return -1;
    }
    find_own(calls);
    return 0;
}

void mp_flame_calls_release(struct mp_flame_calls *calls)
{
    free(calls->own);
    free(calls->first_callee);
    free(calls->sibling);
    free(calls->numbers);
    free(calls->spots);
    *calls = (struct mp_flame_calls){0};
}

uint32_t mp_flame_calls_next(const struct mp_flame_calls *calls, uint32_t frame)
{
    if (calls->first_callee[frame])
        return calls->first_callee[frame];
    while (frame && !calls->sibling[frame])
        frame = calls->flame->frames[frame].parent;
    return calls->sibling[frame];
}
