/* The frames that led to an allocation of a heap capture. */
#ifndef MP_AGGREGATE_HEAP_PATH_H
#define MP_AGGREGATE_HEAP_PATH_H

#include <stddef.h>
#include <stdint.h>

#include "aggregate/heap_own.h"
#include "record/heap.h"

struct mp_heap_frame {
    uint32_t code; /* in the view */
    int line;
    uint32_t times; /* so often in a row: recursion */
};

/* The frame of a node. */
struct mp_heap_frame mp_heap_frame_of(const struct mp_heap_view *, uint32_t node);

/* The frames that called a node's, innermost first, at most `room`; *left_out frames are further
   out. `own` NULL: also those that started the program, import machinery and ours. Returns how many there are. */
size_t mp_heap_callers(const struct mp_heap_view *, const struct mp_heap_own *own,
                       uint32_t node, struct mp_heap_frame *frames, size_t room,
                       size_t *left_out);

#endif
