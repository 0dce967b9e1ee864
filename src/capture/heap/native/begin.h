/* The door of every native hook: whether this call is to be followed. While it is, nothing inside
 * it is, so memory that malloc takes from mmap is counted once.
 */
#ifndef MP_CAPTURE_HEAP_NATIVE_BEGIN_H
#define MP_CAPTURE_HEAP_NATIVE_BEGIN_H

#include <errno.h>
#include <stdbool.h>

#include "capture/heap/native/patch.h"
#include "capture/heap/native/state.h"

/* After dlopen(3): once it has brought something there is no need to look again. */
static inline void mp_native_look(unsigned state)
{
    int kept = errno;
    mp_native_state |= mp_patch_refresh() ? 0 : state - MP_NATIVE_LOOK;
    errno = kept;
}

static inline bool mp_native_begin(void)
{
    unsigned state = mp_native_state;
    if (__builtin_expect(!state, 1)) {
        mp_native_state = MP_NATIVE_INSIDE;
        return true;
    }
    if (state & ~(unsigned)MP_NATIVE_LOOKS)
        return false;
    mp_native_state = MP_NATIVE_INSIDE;
    mp_native_look(state);
    return true;
}

static inline void mp_native_end(void)
{
    mp_native_state &= ~(unsigned)MP_NATIVE_INSIDE;
}

#endif
