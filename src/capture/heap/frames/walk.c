#include "capture/heap/frames/layout.h"

#include "capture/heap/frames/walk.h"

#include "capture/heap/frames/standing.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum {
    FIRST_ROOM = 128,
    GENERATION_BITS = 16,
    INSTRUCTION_BITS = 48,
};

typedef const _PyInterpreterFrame frame;

/* Of a state: a stack that is not all of it. */
static const uint32_t MISSING = MP_WALKED_CUT | MP_WALKED_LACKS | MP_WALKED_LOST;

static void forget_all(struct mp_walk *walk)
{
    memset(walk->cache, 0, sizeof walk->cache);
    memset(walk->units, 0, sizeof walk->units);
    walk->lines.code = 0;
}

/* Every 2^16 generations entries of other code would hold again. */
static void clear_old(struct mp_walk *walk)
{
    if (!((walk->generation + walk->codes.died) & ((1 << GENERATION_BITS) - 1)))
        forget_all(walk);
}

int mp_walk_init(struct mp_walk *walk, struct mp_stacks *stacks, struct mp_shadow *shadow)
{
    walk->generation += walk->codes.died + 1;
    walk->frames_died++;
    walk->stacks = stacks;
    walk->root = 0;
    memset(walk->kinds, 0, sizeof walk->kinds);
    int failed = mp_codes_init(&walk->codes, stacks->heap, shadow);
    clear_old(walk);
    return failed;
}

void mp_walk_release(struct mp_walk *walk)
{
    uint64_t died = walk->codes.died;
    mp_codes_release(&walk->codes);
    walk->codes.died = died;
}

/* Each thread's next walk is one from the start. What is cached goes by the caller, and holds. */
void mp_walk_begin_at(struct mp_walk *walk, uint32_t root)
{
    walk->root = root;
    walk->frames_died++;
}

/* Addresses of instructions and code objects, as long as no code object dies. */
static uintptr_t key_of(const struct mp_walk *walk, const void *address)
{
    return (uintptr_t)address | (uintptr_t)(walk->generation + walk->codes.died)
                                    << INSTRUCTION_BITS;
}

/* Only lines are shown, so the instructions of one are one: where it begins. A table is read once
   where the code goes on, from its start where it goes back. */
static uint32_t find_unit(struct mp_walk *walk, PyCodeObject *code, uint32_t unit)
{
    struct mp_location_stretch *stretch = &walk->lines.stretch;
    uintptr_t key = key_of(walk, code);
    if (walk->lines.code != key || unit < stretch->from)
        mp_location_begin(stretch, PyBytes_AS_STRING(code->co_linetable),
                          (size_t)PyBytes_GET_SIZE(code->co_linetable),
                          code->co_firstlineno);
    walk->lines.code = key;
    return mp_location_start(stretch, unit);
}

static uint32_t unit_of(struct mp_walk *walk, PyCodeObject *code,
                        const _Py_CODEUNIT *instruction)
{
    ptrdiff_t units = instruction - _PyCode_CODE(code);
    uintptr_t key = key_of(walk, instruction);
    size_t slot = ((uintptr_t)instruction >> 1) % MP_WALK_UNITS;
    if (units <= 0)
        return 0; /* before its first instruction */
    if (walk->units[slot].instruction != key) {
        walk->units[slot].unit = find_unit(walk, code, (uint32_t)units);
        walk->units[slot].instruction = key;
    }
    return walk->units[slot].unit;
}

/* What the program does itself is no longer an import's doing, even in a module being imported. */
static uint32_t state_in(uint32_t state, enum mp_code_kind kind)
{
    state &= ~(uint32_t)MP_WALKED_CUT;
    if (kind == MP_CODE_PROGRAM)
        state &= ~(uint32_t)MP_WALKED_IMPORTS;
    if (kind == MP_CODE_IMPORTER)
        state |= MP_WALKED_IMPORTS;
    if (kind != MP_CODE_STARTER)
        state &= ~(uint32_t)MP_WALKED_STARTS;
    return state;
}

/* Below another root than the first, a share less: that stretch of the run may be one of very many,
   and must leave the whole recording its room. */
static enum mp_heap_for share_here(const struct mp_walk *walk, enum mp_heap_for share)
{
    bool less = walk->root && share > MP_HEAP_FOR_IMPORTS;
    return less ? (enum mp_heap_for)(share - 1) : share;
}

/* The outermost lines of the program are few, and what has no room must not be charged to us. */
static enum mp_heap_for share_of(uint32_t outer, uint32_t state, enum mp_code_kind kind)
{
    if (outer & MP_WALKED_STARTS)
        return MP_HEAP_FOR_LINES;
    if (kind == MP_CODE_PROGRAM)
        return MP_HEAP_FOR_PROGRAM;
    bool imports = state & MP_WALKED_IMPORTS && kind != MP_CODE_MODULE;
    return imports ? MP_HEAP_FOR_IMPORTS : MP_HEAP_FOR_LIBRARY;
}

/* The stack and state of a frame that is called by `outer`. Where there is no room:

       library frames         are left out; what they hold is their caller's
       one of the program's   is called by the nearest caller that has a stack, if only libraries
                              are between: else it could be another's; or by nobody

   and so are the top levels of modules, that what an import holds is by module. */
static uint32_t enter(struct mp_walk *walk, const struct mp_walked *outer, frame *at)
{
    PyCodeObject *code = mp_frame_code(at);
    struct mp_codes_entry *entry = mp_codes_find(&walk->codes, code);
    enum mp_code_kind kind = entry->kind;
    uint32_t state = state_in(outer->state, kind);
    enum mp_heap_for lines = share_here(walk, MP_HEAP_FOR_LINES),
                     share = share_here(walk, share_of(outer->state, state, kind));
    bool lacks = state & MP_WALKED_LACKS, lost = state & MP_WALKED_LOST;
    bool follows = !lacks || kind == MP_CODE_PROGRAM || kind == MP_CODE_MODULE;
    uint32_t unit = unit_of(walk, code, mp_frame_instruction(at)), found = 0;
    uint32_t without = state & ~(uint32_t)(MP_WALKED_LACKS | MP_WALKED_LOST);
    uint32_t id = 0;
    if (entry == &walk->codes.unseen)
        walk->lines.code = 0; /* its table may be gone the next moment */
    if (!lost && follows)
        id = mp_codes_number(&walk->codes, entry, code, share);
    if (id && (found = mp_stacks_child(walk->stacks, outer->stack, id, unit, share)))
        return found | without | (lacks ? MP_WALKED_CUT : 0);
    if (kind != MP_CODE_PROGRAM)
        return outer->stack | state | (lost ? 0 : MP_WALKED_LACKS);
    id = mp_codes_number(&walk->codes, entry, code, lines);
    if (id && (found = mp_stacks_child(walk->stacks, walk->here, id, unit, lines)))
        return found | without | MP_WALKED_CUT;
    return outer->stack | without | MP_WALKED_LOST;
}

/* The same, which may have asked the file for more room. */
static uint32_t enter_new(struct mp_walk *walk, const struct mp_walked *outer, frame *at)
{
    int kept = errno;
    uint32_t found = enter(walk, outer, at);
    errno = kept;
    return found;
}

static size_t cache_slot(uint32_t parent, const _Py_CODEUNIT *instruction)
{
    return (((uintptr_t)instruction >> 1) + (size_t)parent * 5) % MP_WALK_CACHE;
}

/* The child that was found before, or 0: not lately. */
static uint32_t known_child(const struct mp_walk *walk, uint32_t parent,
                            const _Py_CODEUNIT *instruction)
{
    size_t slot = cache_slot(parent, instruction);
    bool is_it = walk->cache[slot].instruction == key_of(walk, instruction) &&
                 walk->cache[slot].parent == parent;
    return is_it ? walk->cache[slot].child : 0;
}

/* The same where `outer` has a stack of its own, mostly found again. */
static uint32_t child(struct mp_walk *walk, const struct mp_walked *outer, frame *at)
{
    const _Py_CODEUNIT *instruction = mp_frame_instruction(at);
    uint32_t parent = outer->stack, found = known_child(walk, parent, instruction);
    if (__builtin_expect(found != 0, 1))
        return found;
    found = enter_new(walk, outer, at);
    size_t slot = cache_slot(parent, instruction);
    walk->cache[slot].instruction = key_of(walk, instruction);
    walk->cache[slot].parent = parent;
    walk->cache[slot].child = found;
    return found;
}

uint32_t mp_walk_kind_slowly(struct mp_walk *walk, uint32_t stack, enum mp_heap_kind kind)
{
    const struct mp_heap_node *node = &walk->stacks->heap->nodes[stack];
    size_t slot = stack % MP_WALK_KINDS;
    uint32_t at = node->instruction | (uint32_t)kind << MP_HEAP_KIND_SHIFT;
    uint32_t found =
        mp_stacks_child(walk->stacks, node->parent, node->code, at, MP_HEAP_FOR_PROGRAM);
    walk->kinds[slot].stack = stack;
    walk->kinds[slot].kind = kind;
    return walk->kinds[slot].found = found ? found : stack;
}

void mp_walk_forget(struct mp_walk *walk, struct mp_walker *walker, uintptr_t address)
{
    walker->standing = 0;
    if (mp_anchors_forget(&walker->anchors, address))
        return;
    if (!mp_walk_forget_code(walk, walker, address))
        walk->frames_died++;
}

bool mp_walk_forget_code(struct mp_walk *walk, struct mp_walker *walker, uintptr_t address)
{
    if (!mp_codes_forget(&walk->codes, address))
        return false;
    walker->standing = 0;
    clear_old(walk);
    return true;
}

static void start_anew(const struct mp_walk *walk, struct mp_walker *walker)
{
    mp_anchors_clear(&walker->anchors);
    walker->standing = 0;
    walker->depth = 0;
    walker->debt = 0;
    walker->stable = SIZE_MAX;
    walker->codes_died = walk->codes.died;
    walker->frames_died = walk->frames_died;
}

void mp_walker_begin(const struct mp_walk *walk, struct mp_walker *walker)
{
    mp_anchors_init(&walker->anchors, walk->codes.shadow);
    walker->root = 0;
    start_anew(walk, walker);
}

void mp_walker_begin_at(const struct mp_walk *walk, struct mp_walker *walker, uint32_t root)
{
    walker->root = root;
    walker->base = walk->root;
    start_anew(walk, walker);
}

/* Before the first frame is one that nobody has. */
static int reserve(struct mp_walker *walker, size_t depth)
{
    size_t room = walker->room ? walker->room : FIRST_ROOM;
    while (room <= depth)
        room *= 2;
    if (room == walker->room)
        return 0;
    int kept = errno;
    struct mp_walked *more = mmap(NULL, room * sizeof *more, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    errno = kept;
    if (more == MAP_FAILED)
        return -1;
    if (walker->depth)
        memcpy(more + 1, walker->frames, walker->depth * sizeof *more);
    if (walker->frames)
        munmap(walker->frames - 1, walker->room * sizeof *more);
    walker->frames = more + 1;
    walker->room = room;
    return 0;
}

/* What a walk saw: the frames from number `from` to `depth` were looked at, those from `same` on are
   not what they were; `is_exact`: those before are. */
struct reach {
    size_t depth, from, same;
    bool is_exact;
};

static bool is_changed(const struct mp_walker *walker, size_t index, frame *at)
{
    return walker->frames[index].frame != at ||
           walker->frames[index].instruction != mp_frame_instruction(at);
}

/* Behind which of the frames before a new one may be: calls that have returned lay further up on the
   thread's stack. A frame elsewhere (a generator's) may hide some. */
static const struct mp_walked *callers_of(const struct mp_walked *old, frame *at)
{
    while ((frame *)old[-1].frame > at)
        old--;
    return old;
}

static frame *likely(frame *at, frame *expected)
{
    return at == expected ? mp_frame_hidden(expected) : at;
}

/* Walks to an anchor or to the end, beside the frames of the walk before, of which those before `old`
   are left. The innermost `changed` frames are not what they were: that is so if all are met at the
   end. What was known of frames further in than the anchor is dropped if code has died, since other
   code may be in its place. */
static struct reach reach(const struct mp_walk *walk, struct mp_walker *walker, frame *at)
{
    const struct mp_walked *old = walker->frames + walker->depth;
    const struct mp_anchor *anchor = NULL;
    size_t passed = 0, changed = 0;
    for (; at; at = likely(mp_frame_caller(at), old[-1].frame)) {
        const void *object = mp_frame_object(at);
        if (object && (anchor = mp_anchors_find(&walker->anchors, at, object)))
            break;
        passed++;
        if (old[-1].frame != at) {
            old = callers_of(old, at);
            changed = passed - 1; /* those further in are others' calls */
        }
        if (__builtin_expect(old[-1].frame != at, 0)) {
            changed = passed;
            continue;
        }
        old--;
        if (old->instruction != mp_frame_instruction(at))
            changed = passed;
    }
    if (!anchor)
        mp_anchors_clear(&walker->anchors);
    size_t from = anchor ? anchor->index : 0, met = anchor ? from + 1 : 0;
    struct reach seen = {met + passed, from, from, false};
    if (walker->codes_died != walk->codes.died) {
        walker->depth = met;
        walker->codes_died = walk->codes.died;
    } else if (old == walker->frames + met) {
        seen.is_exact = true;
        seen.same = anchor && is_changed(walker, from, at) ? from : seen.depth - changed;
    }
    return seen;
}

/* Writes what may have changed, the innermost first; returns how many of the outermost are as they
   were. */
static size_t rewrite(struct mp_walker *walker, frame *at, struct reach reach)
{
    size_t same = reach.is_exact ? reach.same : reach.depth;
    for (size_t i = reach.depth; at && i-- > reach.same; at = mp_frame_caller(at)) {
        if (!reach.is_exact && (i >= walker->depth || is_changed(walker, i, at)))
            same = i;
        walker->frames[i].frame = at;
        walker->frames[i].instruction = mp_frame_instruction(at);
    }
    return same;
}

/* Numbers the innermost frames behind the `same` outermost; recursion outwards is an index. */
static void number(struct mp_walk *walk, struct mp_walker *walker, size_t same)
{
    walker->frames[-1] = (struct mp_walked){.stack = walk->here, .state = MP_WALKED_STARTS};
    for (size_t i = same; i < walker->depth; i++) {
        struct mp_walked *at = &walker->frames[i];
        const struct mp_walked *outer = at - 1;
        bool whole = !(outer->state & (MP_WALKED_LACKS | MP_WALKED_LOST));
        uint32_t found =
            whole ? child(walk, outer, at->frame) : enter_new(walk, outer, at->frame);
        at->stack = found & MP_WALKED_STACK_MASK;
        at->state =
            (found & ~(uint32_t)MP_WALKED_STACK_MASK) | (outer->state & MP_WALKED_CUT);
    }
}

static void note_missing(struct mp_heap_header *header, uint32_t state)
{
    header->shortened++;
    header->misplaced += !!(state & MP_WALKED_LOST);
}

static uint32_t give_up(struct mp_walk *walk, struct mp_walker *walker)
{
    note_missing(walk->stacks->heap->header, MP_WALKED_LOST);
    start_anew(walk, walker);
    return 0;
}

static __attribute__((noinline)) uint32_t
walk_anew(struct mp_walk *walk, struct mp_walker *walker, frame *innermost)
{
    walk->here = mp_walker_root(walk, walker);
    if (walker->frames_died != walk->frames_died)
        start_anew(walk, walker);
    if (__builtin_expect(!walker->room, 0) && reserve(walker, 1))
        return give_up(walk, walker);
    struct reach seen = reach(walk, walker, innermost);
    size_t depth = seen.depth, from = seen.from;
    if (!depth)
        return 0;
    if (depth > MP_WALK_DEEPEST || (depth >= walker->room && reserve(walker, depth)))
        return give_up(walk, walker);
    size_t same = rewrite(walker, innermost, seen);
    if (same + 1 < walker->depth && same < walker->stable)
        walker->stable = same; /* not only has the innermost moved on, or called another */
    if (same > from + MP_WALK_FEW)
        walker->debt += (uint32_t)(same - from - MP_WALK_FEW);
    walker->depth = depth;
    number(walk, walker, same);
    uint32_t state = walker->frames[depth - 1].state;
    uint32_t stack = walker->frames[depth - 1].stack;
    walker->standing = 0;
    if (__builtin_expect(state & MISSING, 0))
        note_missing(walk->stacks->heap->header, state);
    else if (stack != walk->here)
        mp_walker_stand(walk, walker, from);
    return stack == walk->here ? 0 : stack;
}

uint32_t mp_walk_thread(struct mp_walk *walk, struct mp_walker *walker,
                        PyThreadState *thread)
{
    frame *at = mp_frame_innermost(thread);
    if (__builtin_expect(
            walker->standing != mp_walk_deaths(walk) || !mp_walker_stands(walker, at), 0))
        return walk_anew(walk, walker, mp_frame_python(at));
    struct mp_walked *innermost = walker->innermost;
    const _Py_CODEUNIT *instruction = mp_frame_instruction(innermost->frame);
    if (innermost->instruction != instruction) {
        uint32_t found = known_child(walk, innermost[-1].stack, instruction);
        if (__builtin_expect(!found || found & MISSING, 0))
            return walk_anew(walk, walker, mp_frame_python(at));
        innermost->instruction = instruction;
        innermost->stack = found & MP_WALKED_STACK_MASK;
        innermost->state = found & ~(uint32_t)MP_WALKED_STACK_MASK;
    }
    walker->debt += walker->passed;
    return innermost->stack;
}

/* The innermost calling frame that stood still through all walks since the last anchor was made,
   and not further in than `limit`. */
void mp_walker_anchor(struct mp_walker *walker, PyThreadState *thread, size_t allocating)
{
    struct mp_anchors *anchors = &walker->anchors;
    size_t from = anchors->count ? anchors->all[anchors->count - 1].index : 0;
    size_t at = (from + walker->depth + 1) / 2;
    if (at > walker->stable)
        at = walker->stable;
    if (at > anchors->limit)
        at = anchors->limit;
    walker->debt = 0;
    walker->standing = 0;
    walker->stable = SIZE_MAX;
    anchors->limit = SIZE_MAX;
    while (at > from + 1 && !mp_frame_is_plain(walker->frames[at - 1].frame))
        at--;
    if (at <= from + 1)
        return;
    mp_anchors_add(anchors, thread, walker->frames[at - 1].frame, at - 1, allocating);
}
