/* What walks remember: of one thread, and of all. For walk and standing; others know walk.h. */
#ifndef MP_CAPTURE_HEAP_FRAMES_WALKER_H
#define MP_CAPTURE_HEAP_FRAMES_WALKER_H

#include <Python.h>

#include "capture/heap/accounting/stacks.h"
#include "capture/heap/frames/anchor.h"
#include "capture/heap/frames/code.h"
#include "record/location.h"

enum {
    MP_WALK_CACHE = 1 << 15,
    MP_WALK_KINDS = 1 << 10,
    MP_WALK_UNITS = 1 << 12,
    MP_WALK_DEEPEST = 1 << 17,
    MP_WALKED_STACK_MASK = (1 << 27) - 1 /* of a cached child; above it its state */
};

struct mp_walked {
    const void *frame, *instruction;
    uint32_t stack;
    uint32_t
        state; /* of enum mp_walked_state; also in the highest bits of a cached child */
};

/* What a frame's stack is. Of the frames that have none of their own the file had no room. */
enum mp_walked_state {
    MP_WALKED_IMPORTS = 1 << 27, /* what an import runs */
    MP_WALKED_STARTS = 1 << 28,  /* only starts the program, as all further out */
    MP_WALKED_CUT = 1 << 29,     /* lacks callers */
    MP_WALKED_LACKS = 1 << 30,   /* an outer frame's; those in between are libraries' */
    MP_WALKED_LOST = 1u << 31,   /* an outer frame's; some of those are the program's */
};

/* One thread's walk; outermost frame first. The next one is often the same, but for the instruction of
   the innermost frame: then it ends as the last one did. */
struct mp_walker {
    uint64_t standing; /* deaths at the last walk, if the next may be the same; else 0 */
    struct mp_walked *innermost;
    const struct mp_walked *outermost; /* that was looked at: an anchor with this object, */
    const void *anchored;              /* or, if NULL, the outermost of all */
    uint32_t passed;                   /* what a walk adds to `debt` */
    uint32_t root, base;      /* where its stacks begin while all do at `base`; 0: there */
    struct mp_walked *frames; /* owned; before the first is who calls it: the root */
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
    uint32_t root;            /* where all stacks begin, */
    uint32_t here;            /* and those of the thread that is walked */
    struct {
        uintptr_t instruction; /* the generation in its 16 highest bits */
        uint32_t parent, child;
    } cache[MP_WALK_CACHE];
    struct {
        uintptr_t instruction; /* likewise */
        uint32_t unit;         /* where its line begins */
    } units[MP_WALK_UNITS];
    struct {
        uintptr_t code; /* likewise */
        struct mp_location_stretch stretch;
    } lines; /* of the code object looked at last */
    struct {
        uint32_t stack, kind, found;
    } kinds[MP_WALK_KINDS];
};

#endif
