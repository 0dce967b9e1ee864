/* The Python call stack of a thread as a number, found by walking its frames from the innermost
 * and comparing with the walk before: what did not change keeps its number.
 *
 *     before   main:12  load:40  parse:7             parse returned, load went on and
 *     now      main:12  load:41  clean:3             called clean: two frames are looked up
 *
 * About 2 ns a frame that did not change. Nothing is remembered of a frame but its address and
 * where it was, so greenlets, generators and coroutines need no care.
 */
#ifndef MP_CAPTURE_FRAMES_WALK_H
#define MP_CAPTURE_FRAMES_WALK_H

#include <Python.h>

#include "capture/frames_code.h"
#include "capture/stacks.h"

enum { MP_WALK_CACHE = 4096, MP_WALK_DEEPEST = 1 << 17 };

struct mp_walked {
    const void *frame, *instruction;
    uint32_t stack;
};

/* One thread's walk; outermost frame first. */
struct mp_walker {
    struct mp_walked *frames; /* owned */
    size_t depth, room;
    uint64_t died; /* of the codes, at the last walk */
};

/* What all threads share. A child found is found again by the address of its instruction. */
struct mp_walk {
    struct mp_codes codes;
    struct mp_stacks *stacks; /* borrowed */
    uint64_t died;            /* of the codes, when the cache was filled */
    struct {
        const void *instruction;
        uint32_t parent, child;
    } cache[MP_WALK_CACHE];
};

/* The stack of a thread: the calling one's. Frames further out than MP_WALK_DEEPEST count as if
   they were not there. 0: no frame. */
uint32_t mp_walk_thread(struct mp_walk *, struct mp_walker *, PyThreadState *);

void mp_walker_release(struct mp_walker *);

#endif
