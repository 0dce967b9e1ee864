#include "capture/frames_layout.h"

#include "capture/frames_walk.h"

#include <string.h>
#include <sys/mman.h>

enum { FIRST_ROOM = 128, NEAR = 3 };

typedef const _PyInterpreterFrame frame;

static uint32_t units_into(PyCodeObject *code, const _Py_CODEUNIT *instruction)
{
    ptrdiff_t units = instruction - _PyCode_CODE(code);
    return units < 0 ? 0 : (uint32_t)units; /* before its first instruction */
}

static uint32_t child(struct mp_walk *walk, uint32_t parent, frame *at)
{
    const _Py_CODEUNIT *instruction = mp_frame_instruction(at);
    uintptr_t key = (uintptr_t)instruction ^ (uintptr_t)parent * 0x9E3779B9u;
    size_t slot = (key >> 1 ^ key >> 13) % MP_WALK_CACHE;
    if (walk->cache[slot].instruction == instruction && walk->cache[slot].parent == parent)
        return walk->cache[slot].child;
    PyCodeObject *code = mp_frame_code(at);
    uint32_t id = mp_codes_find(&walk->codes, code);
    uint32_t found =
        mp_stacks_child(walk->stacks, parent, id, units_into(code, instruction));
    walk->cache[slot].instruction = instruction;
    walk->cache[slot].parent = parent;
    walk->cache[slot].child = found;
    return found;
}

/* Instructions of code that died may be those of other code now. */
static void drop_dead(struct mp_walk *walk, struct mp_walker *walker)
{
    if (walk->died != walk->codes.died) {
        memset(walk->cache, 0, sizeof walk->cache);
        walk->died = walk->codes.died;
    }
    if (walker->died != walk->codes.died) {
        walker->depth = 0;
        walker->died = walk->codes.died;
    }
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

void mp_walker_release(struct mp_walker *walker)
{
    if (walker->frames)
        munmap(walker->frames, walker->room * sizeof *walker->frames);
    *walker = (struct mp_walker){0};
}

/* Where the walk before had this frame, if near its end; -1. */
static ptrdiff_t find_near(const struct mp_walker *walker, frame *at)
{
    for (size_t back = 1; back <= NEAR && back <= walker->depth; back++)
        if (walker->frames[walker->depth - back].frame == at)
            return (ptrdiff_t)(walker->depth - back);
    return -1;
}

/* Compares frames outwards from `at`, which was number `index`. Returns how many of the outermost
   are as they were, or -1 when the chains are not the same frames. */
static ptrdiff_t compare(const struct mp_walker *walker, frame *at, ptrdiff_t index)
{
    ptrdiff_t same = index + 1;
    for (; at && index >= 0; index--, at = mp_frame_caller(at)) {
        if (walker->frames[index].frame != at)
            return -1;
        if (walker->frames[index].instruction != mp_frame_instruction(at))
            same = index;
    }
    return at || index >= 0 ? -1 : same;
}

static size_t count(frame *at)
{
    size_t depth = 0;
    for (; at; at = mp_frame_caller(at))
        depth++;
    return depth;
}

/* The usual case: the innermost frames changed a little. Sets the new depth; returns how many of
   the outermost are as they were, or -1. */
static ptrdiff_t align(const struct mp_walker *walker, frame *innermost, size_t *depth)
{
    frame *at = innermost;
    for (size_t pushed = 0; at && pushed < NEAR; pushed++, at = mp_frame_caller(at)) {
        ptrdiff_t index = find_near(walker, at);
        if (index < 0)
            continue;
        *depth = (size_t)index + 1 + pushed;
        return compare(walker, at, index);
    }
    return -1;
}

/* Writes frames from `from` up to the innermost; returns how many of the outermost are the same,
   `from` at least. */
static size_t rewrite(struct mp_walker *walker, frame *at, size_t depth, size_t from)
{
    size_t same = depth;
    for (size_t i = depth; at && i-- > from; at = mp_frame_caller(at)) {
        struct mp_walked *entry = &walker->frames[i];
        const void *instruction = mp_frame_instruction(at);
        if (i >= walker->depth || entry->frame != at || entry->instruction != instruction)
            same = i;
        entry->frame = at;
        entry->instruction = instruction;
    }
    return same < from ? from : same;
}

/* Numbers the innermost frames behind the `same` outermost; recursion outwards is an index. */
static void number(struct mp_walk *walk, struct mp_walker *walker, size_t same)
{
    for (size_t i = same; i < walker->depth; i++)
        walker->frames[i].stack =
            child(walk, i ? walker->frames[i - 1].stack : 0, walker->frames[i].frame);
}

uint32_t mp_walk_thread(struct mp_walk *walk, struct mp_walker *walker,
                        PyThreadState *thread)
{
    size_t depth;
    frame *innermost = mp_frame_python(mp_frame_innermost(thread));
    drop_dead(walk, walker);
    ptrdiff_t same = align(walker, innermost, &depth);
    if (same < 0) {
        depth = count(innermost);
        same = 0;
    }
    if (depth > MP_WALK_DEEPEST)
        depth = MP_WALK_DEEPEST;
    if (reserve(walker, depth)) {
        walk->stacks->heap->header->shortened++;
        return 0;
    }
    size_t first = rewrite(walker, innermost, depth, (size_t)same);
    walker->depth = depth;
    number(walk, walker, first);
    return depth ? walker->frames[depth - 1].stack : 0;
}
