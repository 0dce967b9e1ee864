/* The frames that led to an allocation of a heap capture.
 *
 *      above    the nearest frame that is shown, itself included; 0: none
 *      next     of one that is shown: the frame shown above it that is another
 *      times    how often it is there in a row
 *      depth    how many shown frames there are up to it
 *
 * All are found in one pass, so that the callers of each of a million lines below a million frames
 * are a few steps away, and each code's table is read once.
 */
#ifndef MP_AGGREGATE_HEAP_PATH_H
#define MP_AGGREGATE_HEAP_PATH_H

#include <stddef.h>
#include <stdint.h>

#include "aggregate/heap/own.h"
#include "aggregate/heap/stacks.h"
#include "record/heap.h"

struct mp_heap_frame {
    uint32_t code; /* in the view */
    int line;
    uint32_t times; /* so often in a row: recursion */
};

struct mp_heap_calls {
    const struct mp_heap_view *view; /* borrowed */
    const int *lines;                /* borrowed; of each node */
    struct mp_heap_call {
        uint32_t above, next, times, depth;
    } * calls; /* owned */
};

/* `own` NULL: also those that started the program, import machinery and ours are shown. Borrows the
   stacks. 0, or -1 with errno ENOMEM. */
int mp_heap_calls_init(struct mp_heap_calls *, const struct mp_heap_view *,
                       const struct mp_heap_own *own, const struct mp_heap_stacks *);
void mp_heap_calls_release(struct mp_heap_calls *);

/* The frame of a node. */
struct mp_heap_frame mp_heap_frame_of(const struct mp_heap_calls *, uint32_t node);

/* The frames that called a node's, innermost first, at most `room`; *left_out frames are further
   out. Returns how many there are. */
size_t mp_heap_callers(const struct mp_heap_calls *, uint32_t node,
                       struct mp_heap_frame *frames, size_t room, size_t *left_out);

#endif
