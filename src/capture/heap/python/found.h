/* The objects that lie in live blocks of some stacks. */
#ifndef MP_CAPTURE_HEAP_PYTHON_FOUND_H
#define MP_CAPTURE_HEAP_PYTHON_FOUND_H

#include "capture/heap/frames/layout.h"

#include <stddef.h>
#include <stdint.h>

struct mp_found {
    PyObject **objects; /* owned: their addresses, borrowed from those who hold them */
    uint32_t *stacks;   /* owned: of each the one that made it */
    size_t count, room, stack_room;
};

/* `wanted`: of each of the recording's first `nodes` stacks whether it is. The caller has the interpreter's
   lock, and as long as it keeps that the objects live. 0, or -1 with errno (ENOMEM, or of mp_hooks_know_blocks()). */
int mp_found_init(struct mp_found *, const uint8_t *wanted, size_t nodes);
void mp_found_release(struct mp_found *);

#endif
