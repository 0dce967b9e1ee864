/* There may be millions of stacks, and an index of them all would be larger than any cache: a frame is
 * looked up only where two stacks may find the same.
 *
 *     main:3 ─┬─ load:7     one stack leads to main:3: what it calls differs in line or function,
 *             └─ load:9     each is a new frame
 *     main:5 ─┬─ (import)─ load:7 ─► one frame: two stacks lead to main:5 since import machinery is
 *             └─ load:7 ──────────┘  no frame; its callees are looked up
 */
#include "aggregate/heap/flame_merge.h"

#include <errno.h>
#include <stdlib.h>

#include "aggregate/heap/cycles.h"
#include "base/mix.h"
#include "base/slots.h"

/* The callees of a frame to which one stack leads; behind that they are in the index. */
struct callees {
    uint32_t first, next; /* of the frame; of its caller, behind this one; 0: none */
    bool indexed;
};

/* There are never more frames than stacks: each frame, also one that stands for others, takes the
   place of a stack at least. */
struct merging {
    const struct mp_heap_view *view; /* borrowed, as the options and what is found */
    const struct mp_flame_options *options;
    const struct mp_heap_own *own;
    const struct mp_heap_stacks *stacks;
    struct mp_heap_own its_own;
    struct mp_heap_stacks its_stacks;
    struct mp_heap_cycles cycles; /* empty where none is folded */
    struct mp_flame_frame *frames;
    size_t count;
    struct callees *callees; /* of each frame */
    struct mp_slots index;   /* positions + 1 of frames */
    uint32_t *place;         /* the frame of each stack */
    bool *met;               /* of each stack, whether it allocated */
    uint32_t *figures;       /* of each node, the frame that has its figures; or NULL */
};

/* What nobody else has found yet. */
static int find_stacks(struct merging *merging)
{
    const struct mp_flame_options *options = merging->options;
    merging->own = options->own ? options->own : &merging->its_own;
    merging->stacks = options->stacks ? options->stacks : &merging->its_stacks;
    return (!options->own && mp_heap_own_init(&merging->its_own, merging->view)) ||
           (!options->stacks && mp_heap_stacks_init(&merging->its_stacks, merging->view));
}

static int find_cycles(struct merging *merging)
{
    const struct mp_flame_options *options = merging->options;
    return options->fold
               ? mp_heap_cycles_init(&merging->cycles, merging->view, merging->own,
                                     options->fold, options->together)
               : 0;
}

static int init(struct merging *merging)
{
    size_t count = merging->view->counts[MP_HEAP_NODES];
    merging->frames = calloc(count + 1, sizeof *merging->frames);
    merging->callees = calloc(count + 1, sizeof *merging->callees);
    merging->place = calloc(count + 1, sizeof *merging->place);
    merging->met = calloc(count + 1, sizeof *merging->met);
    if (merging->options->placed)
        merging->figures = calloc(count + 1, sizeof *merging->figures);
    bool failed = !merging->frames || !merging->callees || !merging->place ||
                  !merging->met || (merging->options->placed && !merging->figures);
    return failed || mp_slots_init(&merging->index, 0) || find_stacks(merging) ||
                   find_cycles(merging)
               ? -1
               : 0;
}

/* But the frames and their places. */
static void release(struct merging *merging)
{
    mp_heap_own_release(&merging->its_own);
    mp_heap_stacks_release(&merging->its_stacks);
    mp_heap_cycles_release(&merging->cycles);
    mp_slots_release(&merging->index);
    free(merging->callees);
    free(merging->place);
    free(merging->met);
}

static bool is_same(const struct mp_flame_frame *a, const struct mp_flame_frame *b)
{
    return a->parent == b->parent && a->kind == b->kind && a->sum.code == b->sum.code &&
           a->sum.line == b->sum.line;
}

/* Where a frame like `wanted` is in the index, or goes: its position + 1, or 0. */
static uint32_t look(const struct merging *merging, const struct mp_flame_frame *wanted,
                     struct mp_slots_at *at)
{
    uint64_t hash =
        mp_mix(mp_mix(wanted->parent, wanted->sum.code), (uint32_t)wanted->sum.line);
    mp_slots_begin(at, &merging->index, hash);
    while (mp_slots_next(at, &merging->index))
        if (is_same(&merging->frames[at->number - 1], wanted))
            return at->number;
    return 0;
}

static uint32_t append(struct merging *merging, const struct mp_flame_frame *wanted)
{
    merging->frames[merging->count] = *wanted;
    return (uint32_t)merging->count++;
}

/* The position + 1 of a frame like `wanted`, made when there is none; 0 with errno ENOMEM. */
static uint32_t find_or_add(struct merging *merging, const struct mp_flame_frame *wanted)
{
    struct mp_slots_at at;
    uint32_t found = look(merging, wanted, &at);
    if (found)
        return found;
    found = append(merging, wanted) + 1;
    return mp_slots_put(&at, &merging->index, found) ? 0 : found;
}

/* A second stack leads to a frame. */
static int index_callees(struct merging *merging, uint32_t frame)
{
    struct callees *callees = &merging->callees[frame];
    int failed = 0;
    if (callees->indexed)
        return 0;
    callees->indexed = true;
    for (uint32_t i = callees->first; i && !failed; i = merging->callees[i].next) {
        struct mp_slots_at at;
        look(merging, &merging->frames[i], &at);
        failed = mp_slots_put(&at, &merging->index, i + 1);
    }
    return failed;
}

/* The same as find_or_add() for what a stack calls that has not been met. */
static uint32_t add_callee(struct merging *merging, const struct mp_flame_frame *wanted)
{
    struct callees *callees = &merging->callees[wanted->parent];
    if (callees->indexed) {
        size_t before = merging->count;
        uint32_t found = find_or_add(merging, wanted);
        bool known = merging->count == before;
        return found && known && index_callees(merging, found - 1) ? 0 : found;
    }
    uint32_t made = append(merging, wanted);
    merging->callees[made].next = callees->first;
    callees->first = made;
    return made + 1;
}

/* The frame of the cycle around that is of this function and line; 0: there is none. */
static uint32_t find_turn(const struct merging *merging, uint32_t above,
                          const struct mp_flame_frame *wanted)
{
    const struct mp_flame_frame *frames = merging->frames;
    const uint32_t *groups = merging->cycles.groups;
    if (!merging->cycles.any || !groups[wanted->sum.code])
        return 0;
    while (above && frames[above].kind == MP_FLAME_FRAME &&
           groups[frames[above].sum.code] == groups[wanted->sum.code]) {
        if (frames[above].sum.code == wanted->sum.code &&
            frames[above].sum.line == wanted->sum.line)
            return above;
        above = frames[above].parent;
    }
    return 0;
}

/* How many times a stack has been there. */
static void count_turns(struct merging *merging, uint32_t frame, uint32_t node)
{
    const struct mp_heap_cycles *cycles = &merging->cycles;
    struct mp_flame_frame *its = &merging->frames[frame];
    bool is_turn = cycles->any && cycles->groups[its->sum.code];
    if (is_turn && its->times < cycles->times[node])
        its->times = cycles->times[node];
}

/* What is no frame; or what is called from the deepest frame there may be. */
static bool is_skipped(const struct merging *merging, uint32_t node, uint32_t above)
{
    const struct mp_heap_node *its = &merging->view->nodes[node];
    if (mp_heap_is_tag(its) && its->code)
        return false;
    return merging->frames[above].kind == MP_FLAME_DEEPER ||
           mp_heap_own_is_outer(merging->own, node) ||
           mp_heap_own_is_ours(merging->own, node) ||
           (merging->options->together && mp_heap_own_is_importer(merging->own, its->code));
}

/* The frame + 1 of a node whose stack has not been met, or 0 with errno ENOMEM. */
static uint32_t frame_of(struct merging *merging, uint32_t node)
{
    const struct mp_heap_node *its = &merging->view->nodes[node];
    uint32_t above = merging->place[its->parent];
    if (is_skipped(merging, node, above))
        return index_callees(merging, above) ? 0 : above + 1;
    struct mp_flame_frame wanted = {
        .parent = above,
        .depth = merging->frames[above].depth + 1,
        .sum = {.code = its->code, .line = merging->stacks->lines[node]}};
    uint32_t turn = find_turn(merging, above, &wanted);
    if (turn)
        return index_callees(merging, turn) ? 0 : turn + 1;
    if (merging->frames[above].depth < merging->options->depth)
        return add_callee(merging, &wanted);
    wanted.kind = MP_FLAME_DEEPER;
    wanted.sum = (struct mp_heap_line){0};
    return find_or_add(merging, &wanted);
}

/* Whether a node is where the first of its stack is; a border of recordings between them may have
   led elsewhere. */
static bool is_met(const struct merging *merging, uint32_t node, uint32_t first)
{
    const struct mp_heap_node *nodes = merging->view->nodes;
    return first != node && merging->own->nodes[node] == merging->own->nodes[first] &&
           merging->place[nodes[node].parent] == merging->place[nodes[first].parent];
}

static int place(struct merging *merging, uint32_t node)
{
    uint32_t first = merging->stacks->first[node], found;
    if (is_met(merging, node, first))
        found = merging->place[first] + 1;
    else if (first != node &&
             index_callees(merging, merging->place[merging->view->nodes[node].parent]))
        found = 0;
    else
        found = frame_of(merging, node);
    if (!found)
        return -1;
    merging->place[node] = found - 1;
    count_turns(merging, found - 1, node);
    return 0;
}

/* Whether a stack allocates for the first time. */
static bool is_new_stack(struct merging *merging, uint32_t node)
{
    uint32_t first = merging->stacks->first[node];
    bool is_new = !merging->met[first];
    merging->met[first] = true;
    return is_new;
}

/* What the program calls through our frames is called by their callers; what we allocate there
   is nobody's but ours, and likewise with import machinery. The frame + 1, or 0 with errno ENOMEM. */
static uint32_t frame_of_figures(struct merging *merging, uint32_t node)
{
    struct mp_flame_frame ours = {.kind = MP_FLAME_OWN, .depth = 1};
    uint32_t at = merging->place[node];
    const struct mp_flame_frame *there = &merging->frames[at];
    struct mp_flame_frame imports = {
        .kind = MP_FLAME_IMPORTS, .parent = at, .depth = there->depth + 1};
    if (mp_heap_own_is_ours(merging->own, node))
        return find_or_add(merging, &ours);
    bool importer = merging->options->together && there->kind != MP_FLAME_DEEPER &&
                    mp_heap_own_is_importer(merging->own, merging->view->nodes[node].code);
    return importer ? find_or_add(merging, &imports) : at + 1;
}

static int add_figures(struct merging *merging, uint32_t node)
{
    struct mp_heap_line figures = mp_heap_line_of(merging->view, node);
    uint32_t at = frame_of_figures(merging, node);
    if (!at--)
        return -1;
    mp_heap_line_add(&merging->frames[at].sum, &figures);
    merging->frames[at].stacks += is_new_stack(merging, node);
    if (merging->figures)
        merging->figures[node] = at;
    return 0;
}

/* Callers come before callees: one pass forward places the stacks. */
static int merge(struct merging *merging)
{
    int failed = 0;
    merging->count = 1;
    for (uint32_t i = 0; i < merging->view->counts[MP_HEAP_NODES] && !failed; i++) {
        failed = i ? place(merging, i) : 0;
        if (failed)
            break;
        if (mp_heap_has_figures(merging->view, i))
            failed = add_figures(merging, i);
        else if (merging->figures)
            merging->figures[i] = merging->place[i];
    }
    return failed;
}

int mp_flame_merge(struct mp_flame *flame, const struct mp_heap_view *view,
                   const struct mp_flame_options *options, bool *cycles)
{
    struct merging merging = {.view = view, .options = options};
    int failed = init(&merging) || merge(&merging);
    *cycles = merging.cycles.any;
    *flame = (struct mp_flame){
        .frames = merging.frames, .count = merging.count, .places = merging.figures};
    release(&merging);
    if (failed)
        errno = ENOMEM;
    return failed ? -1 : 0;
}
