/* How much of the calling thread's C stack is left. About 1 ns: one thread-local load.
 *
 *     bottom          bottom + half                    bottom + size
 *       |  out |   low   |             plenty                |   the stack grows to the left
 */
#ifndef MP_BASE_STACK_H
#define MP_BASE_STACK_H

#include <stdbool.h>
#include <stdint.h>

struct mp_stack {
    uintptr_t bottom; /* lowest address */
    uintptr_t middle; /* UINTPTR_MAX: not asked yet; 0: unknown */
    uintptr_t last;   /* a sixteenth above the bottom */
};

extern __thread struct mp_stack mp_stack
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Asks the system where this thread's stack is, once. */
bool mp_stack_is_low_slow(uintptr_t here);

/* Where the calling function's frame is. */
#define MP_STACK_HERE ((uintptr_t)__builtin_frame_address(0))

/* Whether to ask mp_stack_is_low(): one load. */
static inline bool mp_stack_may_be_low(uintptr_t here)
{
    return __builtin_expect(here < mp_stack.middle, 0);
}

/* Less than half is left. False on a stack that is not the thread's own (other libraries'). */
static inline bool mp_stack_is_low(uintptr_t here)
{
    return mp_stack_may_be_low(here) && mp_stack_is_low_slow(here);
}

/* Less than a sixteenth is left. */
static inline bool mp_stack_is_out(uintptr_t here)
{
    return mp_stack_is_low(here) && here < mp_stack.last;
}

#endif
