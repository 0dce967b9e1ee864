/* The door of every native hook: whether this call is to be followed. While it is, nothing inside
 * it is, so memory that malloc takes from mmap is counted once.
 */
#ifndef MP_CAPTURE_NATIVE_BEGIN_H
#define MP_CAPTURE_NATIVE_BEGIN_H

#include <errno.h>
#include <stdbool.h>

#include "capture/native_state.h"
#include "capture/patch.h"

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
    if (__builtin_expect(state & ~(unsigned)MP_NATIVE_LOOKS, 0))
        return false;
    mp_native_state = MP_NATIVE_INSIDE;
    if (__builtin_expect(state != 0, 0))
        mp_native_look(state);
    return true;
}

static inline void mp_native_end(void)
{
    mp_native_state &= ~(unsigned)MP_NATIVE_INSIDE;
}

#endif
