#include "capture/frames_layout.h"

#include "capture/frames_walk.h"

#include <string.h>
#include <sys/mman.h>

enum {
    FIRST_ROOM = 128,
    FEW = 2, /* frames a walk may well look at */
    GENERATION_BITS = 16,
    INSTRUCTION_BITS = 48,
};

typedef const _PyInterpreterFrame frame;

/* Every 2^16 generations entries of other code would hold again. */
static void clear_old(struct mp_walk *walk)
{
    if (!((walk->generation + walk->codes.died) & ((1 << GENERATION_BITS) - 1)))
        memset(walk->cache, 0, sizeof walk->cache);
}

int mp_walk_init(struct mp_walk *walk, struct mp_stacks *stacks, struct mp_shadow *shadow)
{
    walk->generation += walk->codes.died + 1;
    walk->frames_died++;
    walk->stacks = stacks;
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

static uint32_t units_into(PyCodeObject *code, const _Py_CODEUNIT *instruction)
{
    ptrdiff_t units = instruction - _PyCode_CODE(code);
    return units < 0 ? 0 : (uint32_t)units; /* before its first instruction */
}

static uint32_t child(struct mp_walk *walk, uint32_t parent, frame *at)
{
    const _Py_CODEUNIT *instruction = mp_frame_instruction(at);
    uintptr_t key = (uintptr_t)instruction |
                    (uintptr_t)(walk->generation + walk->codes.died) << INSTRUCTION_BITS;
    size_t slot = (((uintptr_t)instruction >> 1) + (size_t)parent * 5) % MP_WALK_CACHE;
    if (walk->cache[slot].instruction == key && walk->cache[slot].parent == parent)
        return walk->cache[slot].child;
    PyCodeObject *code = mp_frame_code(at);
    uint32_t id = mp_codes_find(&walk->codes, code);
    uint32_t found =
        id ? mp_stacks_child(walk->stacks, parent, id, units_into(code, instruction))
           : parent; /* there is no room for its names */
    walk->cache[slot].instruction = key;
    walk->cache[slot].parent = parent;
    walk->cache[slot].child = found;
    return found;
}

uint32_t mp_walk_kind_slowly(struct mp_walk *walk, uint32_t stack, enum mp_heap_kind kind)
{
    const struct mp_heap_node *node = &walk->stacks->heap->nodes[stack];
    size_t slot = stack % MP_WALK_KINDS;
    uint32_t at = node->instruction | (uint32_t)kind << MP_HEAP_KIND_SHIFT;
    uint32_t found = mp_stacks_child(walk->stacks, node->parent, node->code, at);
    walk->kinds[slot].stack = stack;
    walk->kinds[slot].kind = kind;
    return walk->kinds[slot].found = found == node->parent ? stack : found;
}

void mp_walk_forget(struct mp_walk *walk, struct mp_walker *walker, uintptr_t address)
{
    if (mp_anchors_forget(&walker->anchors, address))
        return;
    if (mp_codes_forget(&walk->codes, address))
        clear_old(walk);
    else
        walk->frames_died++;
}

static void start_anew(const struct mp_walk *walk, struct mp_walker *walker)
{
    mp_anchors_clear(&walker->anchors);
    walker->depth = 0;
    walker->debt = 0;
    walker->stable = SIZE_MAX;
    walker->codes_died = walk->codes.died;
    walker->frames_died = walk->frames_died;
}

void mp_walker_begin(const struct mp_walk *walk, struct mp_walker *walker)
{
    mp_anchors_init(&walker->anchors, walk->codes.shadow);
    start_anew(walk, walker);
}

static int reserve(struct mp_walker *walker, size_t depth)
{
    size_t room = walker->room ? walker->room : FIRST_ROOM;
    while (room < depth)
        room *= 2;
    if (room == walker->room)
        return 0;
    void *more = mmap(NULL, room * sizeof *walker->frames, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (more == MAP_FAILED)
        return -1;
    if (walker->depth)
        memcpy(more, walker->frames, walker->depth * sizeof *walker->frames);
    if (walker->frames)
        munmap(walker->frames, walker->room * sizeof *walker->frames);
    walker->frames = more;
    walker->room = room;
    return 0;
}

/* What a walk saw: the frames from number `from` to `depth` were looked at, those from `same` on are
   not what they were. */
struct reach {
    size_t depth, from, same;
};

static bool is_changed(const struct mp_walker *walker, size_t index, frame *at)
{
    return walker->frames[index].frame != at ||
           walker->frames[index].instruction != mp_frame_instruction(at);
}

/* Walks to an anchor or to the end, and compares as if the stack were as deep as before: mostly it
   is. If not, `same` is `from`. What was known of frames further in than the anchor is dropped if
   code has died, since other code may be in its place. */
static struct reach reach(const struct mp_walk *walk, struct mp_walker *walker, frame *at)
{
    struct mp_anchor *anchor = NULL;
    size_t passed = 0, index = walker->depth, same = walker->depth;
    for (; at; at = mp_frame_caller(at), passed++) {
        const void *object = mp_frame_object(at);
        if (object && (anchor = mp_anchors_find(&walker->anchors, at, object)))
            break;
        if (index && is_changed(walker, --index, at))
            same = index;
    }
    if (!anchor)
        mp_anchors_clear(&walker->anchors);
    size_t from = anchor ? anchor->index : 0;
    size_t depth = anchor ? from + 1 + passed : passed;
    if (walker->codes_died != walk->codes.died) {
        walker->depth = anchor ? from + 1 : 0;
        walker->codes_died = walk->codes.died;
    }
    if (depth != walker->depth)
        return (struct reach){depth, from, from};
    if (anchor && is_changed(walker, from, at))
        same = from;
    return (struct reach){depth, from, same};
}

/* Writes what may have changed, the innermost first; returns how many of the outermost are as they
   were. */
static size_t rewrite(struct mp_walker *walker, frame *at, struct reach reach)
{
    size_t same = reach.depth;
    for (size_t i = reach.depth; at && i-- > reach.same; at = mp_frame_caller(at)) {
        if (i >= walker->depth || is_changed(walker, i, at))
            same = i;
        walker->frames[i].frame = at;
        walker->frames[i].instruction = mp_frame_instruction(at);
    }
    return same;
}

/* Numbers the innermost frames behind the `same` outermost; recursion outwards is an index. What a
   frame without a number of its own calls has none either: under an outer one it could be another's. */
static void number(struct mp_walk *walk, struct mp_walker *walker, size_t same)
{
    for (size_t i = same; i < walker->depth; i++) {
        struct mp_walked *at = &walker->frames[i];
        uint32_t caller = i ? at[-1].stack : 0;
        bool none = i && at[-1].shortened;
        at->stack = none ? caller : child(walk, caller, at->frame);
        at->shortened = at->stack == caller;
    }
}

static uint32_t give_up(struct mp_walk *walk, struct mp_walker *walker)
{
    walk->stacks->heap->header->shortened++;
    start_anew(walk, walker);
    return 0;
}

uint32_t mp_walk_thread(struct mp_walk *walk, struct mp_walker *walker,
                        PyThreadState *thread)
{
    frame *innermost = mp_frame_python(mp_frame_innermost(thread));
    if (walker->frames_died != walk->frames_died)
        start_anew(walk, walker);
    struct reach seen = reach(walk, walker, innermost);
    size_t depth = seen.depth, from = seen.from;
    if (!depth)
        return 0;
    if (depth > MP_WALK_DEEPEST || (depth > walker->room && reserve(walker, depth)))
        return give_up(walk, walker);
    size_t same = rewrite(walker, innermost, seen);
    if (same + 1 < walker->depth && same < walker->stable)
        walker->stable = same; /* not only has the innermost moved on, or called another */
    if (same > from + FEW)
        walker->debt += (uint32_t)(same - from - FEW);
    walker->depth = depth;
    number(walk, walker, same);
    walk->stacks->heap->header->shortened += walker->frames[depth - 1].shortened;
    return walker->frames[depth - 1].stack;
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
    walker->stable = SIZE_MAX;
    anchors->limit = SIZE_MAX;
    while (at > from + 1 && !mp_frame_is_plain(walker->frames[at - 1].frame))
        at--;
    if (at <= from + 1)
        return;
    mp_anchors_add(anchors, thread, walker->frames[at - 1].frame, at - 1, allocating);
}
