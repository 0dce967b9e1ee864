/* The Python call stack of a thread as a number, found by walking its frames from the innermost
 * and comparing with the walk before: what did not change keeps its number.
 *
 *     before   main:12  load:40  parse:7             parse returned, load went on and
 *     now      main:12  load:41  clean:3             called clean: two frames are looked up
 *
 * About 2 ns a frame that did not change, and a walk ends at an anchor (frames_anchor.h): its cost
 * does not grow with the depth. Of other frames nothing is remembered but the address and where
 * they were, so greenlets, generators and coroutines need no care.
 */
#ifndef MP_CAPTURE_FRAMES_WALK_H
#define MP_CAPTURE_FRAMES_WALK_H

#include <Python.h>

#include "capture/frames_anchor.h"
#include "capture/frames_code.h"
#include "capture/stacks.h"

enum { MP_WALK_CACHE = 1 << 15, MP_WALK_KINDS = 1 << 10, MP_WALK_DEEPEST = 1 << 17 };

struct mp_walked {
    const void *frame, *instruction;
    uint32_t stack;
    bool shortened; /* the stack is a caller's: there is no room for its own */
};

/* One thread's walk; outermost frame first. */
struct mp_walker {
    struct mp_walked *frames; /* owned */
    size_t depth, room;
    uint64_t codes_died, frames_died; /* of the walk, at the last one */
    size_t stable; /* outermost frames that stood still since `debt` was 0 */
    uint32_t debt; /* frames looked at in vain */
    struct mp_anchors anchors;
};

/* What all threads share. A child found is found again by the address of its instruction, which
   holds for one generation: until a code object dies. */
struct mp_walk {
    struct mp_codes codes;
    struct mp_stacks *stacks; /* borrowed */
    uint64_t generation;      /* when no code had died yet */
    uint64_t frames_died;     /* anchored ones, freed by another thread than theirs */
    struct {
        uintptr_t instruction; /* the generation in its 16 highest bits */
        uint32_t parent, child;
    } cache[MP_WALK_CACHE];
    struct {
        uint32_t stack, kind, found;
    } kinds[MP_WALK_KINDS];
};

/* Before a session, whose stacks these are. 0, or -1 with errno ENOMEM. */
int mp_walk_init(struct mp_walk *, struct mp_stacks *, struct mp_shadow *);
void mp_walk_release(struct mp_walk *);

/* The stack of a thread: the calling one's. 0: no frame, or more than MP_WALK_DEEPEST. Where the
   file has no room for it an outer frame's, and the header's `shortened` counts that. */
uint32_t mp_walk_thread(struct mp_walk *, struct mp_walker *, PyThreadState *);

/* The same stack with another kind of allocation at its end, or as it is where there is no room.
   About 1 ns when it was lately asked. */
uint32_t mp_walk_kind_slowly(struct mp_walk *, uint32_t stack, enum mp_heap_kind);

static inline uint32_t mp_walk_kind(struct mp_walk *walk, uint32_t stack,
                                    enum mp_heap_kind kind)
{
    size_t slot = stack % MP_WALK_KINDS;
    if (__builtin_expect(walk->kinds[slot].stack == stack && walk->kinds[slot].kind == kind,
                         1))
        return walk->kinds[slot].found;
    return mp_walk_kind_slowly(walk, stack, kind);
}

/* Whether walks became long enough for an anchor. */
static inline bool mp_walker_wants_anchor(const struct mp_walker *walker)
{
    return walker->debt >= walker->anchors.price;
}

/* Makes one, right after a walk, in the thread that holds the interpreter's lock and allocates
   so many bytes. */
void mp_walker_anchor(struct mp_walker *, PyThreadState *, size_t allocating);

/* A block that the walk asked to be watched is being freed, by the thread of this walker. */
void mp_walk_forget(struct mp_walk *, struct mp_walker *, uintptr_t address);

/* For a thread's first walk of a session. */
void mp_walker_begin(const struct mp_walk *, struct mp_walker *);

#endif
