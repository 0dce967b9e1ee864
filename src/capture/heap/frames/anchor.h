/* Anchors: where the walk of a deep stack may end, because nothing further out has moved.
 *
 *     outermost                                         innermost
 *     main ── run ── ... 900 calls ... ── parse ─⚓─ item ── value ── allocates here
 *                                         a walk ends here, two frames from where it began
 *
 * While a call has not returned, its callers stand still. What tells one call from the next one
 * in the same place is the frame object, which the interpreter keeps with a frame once somebody
 * has asked for it and frees with it: we ask for it, hold no reference, and watch its block. So a
 * call that is not anchored costs nothing, and one that is costs some 100 ns once.
 *
 * Generators and coroutines stop without returning: they are never anchors.
 */
#ifndef MP_CAPTURE_HEAP_FRAMES_ANCHOR_H
#define MP_CAPTURE_HEAP_FRAMES_ANCHOR_H

#include <Python.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/heap/accounting/shadow.h"

enum {
    MP_ANCHORS = 64,
    MP_ANCHORS_PRICE = 64, /* frames: about what an anchor costs */
};

struct mp_anchor {
    const void *frame;
    const void *object; /* NULL: the call has returned */
    uint32_t index;     /* frames further out */
    uint32_t saved;     /* frames that walks did not look at, up to the price */
};

/* One thread's, outermost first. `price` is what must have been walked in vain before the next
   one is made: it rises when anchors die before they were of use. */
struct mp_anchors {
    struct mp_shadow *shadow;
    uint32_t count, price;
    size_t limit; /* try frames further out than this one */
    struct mp_anchor all[MP_ANCHORS];
};

/* `shadow` is borrowed. */
void mp_anchors_init(struct mp_anchors *, struct mp_shadow *shadow);

/* The anchor that a live frame is, or NULL. Those inside of it, which must have returned, are
   dropped. */
struct mp_anchor *mp_anchors_find_slowly(struct mp_anchors *, const void *frame,
                                         const void *object);

static inline struct mp_anchor *mp_anchors_find(struct mp_anchors *anchors,
                                                const void *frame, const void *object)
{
    struct mp_anchor *last = &anchors->all[anchors->count - 1];
    if (anchors->count && last->frame == frame && last->object == object &&
        last->saved >= MP_ANCHORS_PRICE)
        return last;
    return anchors->count ? mp_anchors_find_slowly(anchors, frame, object) : NULL;
}

/* No frame of a whole walk was an anchor. */
void mp_anchors_clear(struct mp_anchors *);

/* Makes a plain frame of the calling thread, which holds the interpreter's lock, an anchor inside
   of all others; `allocating` is the size of the block that is being allocated. Whether it could.
   Allocates, but runs no code of Python's. */
bool mp_anchors_add(struct mp_anchors *, PyThreadState *, const void *frame, size_t index,
                    size_t allocating);

/* A watched block is being freed. Whether it was an anchor of these. */
bool mp_anchors_forget(struct mp_anchors *, uintptr_t address);

#endif
