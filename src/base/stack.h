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
    uintptr_t bottom; /* lowest address; 0 and half UINTPTR_MAX: not asked yet */
    uintptr_t half;
    uintptr_t last; /* a sixteenth */
};

extern __thread struct mp_stack mp_stack __attribute__((tls_model("initial-exec")));

/* Asks the system where this thread's stack is, once. */
bool mp_stack_is_low_slow(uintptr_t here);

/* Less than half is left. False on a stack that is not the thread's own (other libraries'). */
static inline __attribute__((always_inline)) bool mp_stack_is_low(void)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    return __builtin_expect(here - mp_stack.bottom < mp_stack.half, 0) &&
           mp_stack_is_low_slow(here);
}

/* Less than a sixteenth is left. */
static inline __attribute__((always_inline)) bool mp_stack_is_out(void)
{
    return mp_stack_is_low() &&
           (uintptr_t)__builtin_frame_address(0) - mp_stack.bottom < mp_stack.last;
}

#endif
