/* Whether a walk is the one before: the blocks of one line, and of one function's lines, have the same
 * callers. Then nothing is written but the instruction of the innermost frame. For walk.c alone.
 *
 *     before   main:12 ─⚓─ load:40  parse:7        all frames up to the anchor are where they were,
 *     now      main:12 ─⚓─ load:40  parse:8        and the anchor has its object
 */
#ifndef MP_CAPTURE_HEAP_FRAMES_STANDING_H
#define MP_CAPTURE_HEAP_FRAMES_STANDING_H

#include "capture/heap/frames/layout.h"

#include "capture/heap/frames/walker.h"

enum { MP_WALK_FEW = 2 /* frames a walk may well look at */ };

/* A frame known before it is loaded: the processor goes on with the one that it is likely to be, else
   each frame would wait for the one before. */
static inline const _PyInterpreterFrame *
mp_frame_hidden(const _PyInterpreterFrame *expected)
{
    __asm__("" : "+r"(expected));
    return expected;
}

/* Of frames or codes, any of which may make a walk other than it looks; never 0. */
static inline uint64_t mp_walk_deaths(const struct mp_walk *walk)
{
    return walk->frames_died + walk->codes.died;
}

/* The next walk may be the same as this one, whose stack is a whole one. */
static inline void mp_walker_stand(const struct mp_walk *walk, struct mp_walker *walker,
                                   size_t from)
{
    const struct mp_anchors *anchors = &walker->anchors;
    const struct mp_anchor *last =
        anchors->count ? &anchors->all[anchors->count - 1] : NULL;
    if (last && last->saved < MP_ANCHORS_PRICE)
        return; /* its use is counted */
    walker->innermost = &walker->frames[walker->depth - 1];
    walker->outermost = &walker->frames[from];
    walker->anchored = last ? last->object : NULL;
    walker->passed = walker->depth > from + MP_WALK_FEW
                         ? (uint32_t)(walker->depth - from - MP_WALK_FEW)
                         : 0;
    walker->standing = mp_walk_deaths(walk);
}

/* Whether a frame is the expected one, or the interpreter's own frames are between; it is that one then,
   and known before it is loaded. */
static inline bool meets(const _PyInterpreterFrame **at,
                         const _PyInterpreterFrame *expected)
{
    for (const _PyInterpreterFrame *next = *at; next != expected; next = next->previous)
        if (!next || mp_frame_is_python(next))
            return false;
    *at = mp_frame_hidden(expected);
    return true;
}

/* Whether the frames from this one on are those of the last walk, but for the instruction of the innermost. */
static inline bool mp_walker_stands(const struct mp_walker *walker,
                                    const _PyInterpreterFrame *at)
{
    const struct mp_walked *old = walker->innermost;
    if (!meets(&at, old->frame))
        return false;
    while (old != walker->outermost) {
        old--;
        at = at->previous;
        if (!meets(&at, old->frame) || old->instruction != mp_frame_instruction(at))
            return false;
    }
    return walker->anchored ? mp_frame_object(at) == walker->anchored
                            : !mp_frame_caller(at);
}

#endif
