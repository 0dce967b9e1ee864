/* How an object is called by one that refers to it: .name, [3], ['key']. */
#ifndef MP_CAPTURE_OBJECTS_STEPS_H
#define MP_CAPTURE_OBJECTS_STEPS_H

#include "capture/heap/frames/layout.h"

#include <stdbool.h>

#include "capture/objects/words.h"

/* From one object to another. `owner` is what refers to `from`, or NULL: of its own dict the keys are attributes.
   `many`: it stands for all like it. `last`: it is what was asked for. */
struct mp_step {
    PyObject *owner, *from, *to;
    bool many, last;
};

/* Nothing where it has no name of its own: to an object's own dict, to a closure's cell. */
void mp_step_put(const struct mp_step *, struct mp_words *);

/* The attribute's name as an address, the same for all of that name; 0: it is an item of a container. What is
   neither has `to`'s type. */
uintptr_t mp_step_name(const struct mp_step *);

#endif
