/* What a thread is about, as the native hooks see it: one word, looked at once a call.
 *
 *     0        follow this call
 *     INSIDE   a hook or the function it stands before runs: what that calls is its own
 *     LOOK     times to look for new objects: dlopen(3) was called, and libc may call us before
 *              it has loaded anything
 *     MUTE     times muted: a Python allocator runs, whose hook has counted these bytes
 */
#ifndef MP_CAPTURE_HEAP_NATIVE_STATE_H
#define MP_CAPTURE_HEAP_NATIVE_STATE_H

enum {
    MP_NATIVE_INSIDE = 1,
    MP_NATIVE_LOOK = 2,
    MP_NATIVE_LOOKS = 3 * MP_NATIVE_LOOK,
    MP_NATIVE_MUTE = 8,
};

extern __thread unsigned mp_native_state __attribute__((tls_model("initial-exec")));

/* Around the allocators whose callers are counted already. Nests. */
static inline void mp_native_mute(void)
{
    mp_native_state += MP_NATIVE_MUTE;
}

static inline void mp_native_unmute(void)
{
    mp_native_state -= MP_NATIVE_MUTE;
}

#endif
