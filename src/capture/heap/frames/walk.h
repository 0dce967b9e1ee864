/* The Python call stack of a thread as a number, found by walking its frames from the innermost
 * and comparing with the walk before: what did not change keeps its number.
 *
 *     before   main:12  load:40  parse:7             parse returned, load went on and
 *     now      main:12  load:41  clean:3             called clean: two frames are looked up
 *
 * About 2 ns a frame that did not change, and a walk ends at an anchor (frames/anchor.h): its cost
 * does not grow with the depth. Of other frames nothing is remembered but the address and where
 * they were, so greenlets, generators and coroutines need no care.
 */
#ifndef MP_CAPTURE_HEAP_FRAMES_WALK_H
#define MP_CAPTURE_HEAP_FRAMES_WALK_H

#include <Python.h>

#include "capture/heap/frames/walker.h"

/* Before a session, whose stacks these are. 0, or -1 with errno ENOMEM. */
int mp_walk_init(struct mp_walk *, struct mp_stacks *, struct mp_shadow *);
void mp_walk_release(struct mp_walk *);

/* From now on all stacks begin at this node. */
void mp_walk_begin_at(struct mp_walk *, uint32_t root);

/* The stack of a thread: the calling one's. 0: no frame, or more than MP_WALK_DEEPEST. Where the
   file has no room for all of it, one that has the innermost line of the program's own if that can
   be; the header's `shortened` and `misplaced` count that. errno stays as it was. */
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
static inline bool mp_walker_needs_anchor(const struct mp_walker *walker)
{
    return walker->debt >= walker->anchors.price;
}

/* Makes one, right after a walk, in the thread that holds the interpreter's lock and allocates
   so many bytes. */
void mp_walker_anchor(struct mp_walker *, PyThreadState *, size_t allocating);

/* A block that the walk asked to be watched is being freed, by the thread of this walker. */
void mp_walk_forget(struct mp_walk *, struct mp_walker *, uintptr_t address);

/* The same of a code object that dies, wherever it is. Whether a walk has met it. */
bool mp_walk_forget_code(struct mp_walk *, struct mp_walker *, uintptr_t address);

/* For a thread's first walk of a session. */
void mp_walker_begin(const struct mp_walk *, struct mp_walker *);

/* From now on the stacks of this thread begin at a node that is below where all do, or is that. */
void mp_walker_begin_at(const struct mp_walk *, struct mp_walker *, uint32_t root);

/* Where they begin. */
static inline uint32_t mp_walker_root(const struct mp_walk *walk,
                                      const struct mp_walker *walker)
{
    return walker->root && walker->base == walk->root ? walker->root : walk->root;
}

#endif
