#include "capture/heap/python/recording.h"

enum { DEEP = 1 << 12 /* frames: their walk takes some 10 us */ };

struct mp_recording mp_recording;
struct mp_counting_filter mp_recording_filter;

/* What is kept of the calling thread, which has nothing yet in this session; NULL when the
   recording has ended. */
static struct mp_hooked *join(void)
{
    PyThreadState *thread;
    enum mp_biased_lock_way way = mp_recording_enter(MP_LOCK_UNKNOWN, &thread);
    struct mp_hooked *mine = mp_recording_is_open() ? mp_recording_mine() : NULL;
    mp_recording_leave(way);
    return mine;
}

bool mp_recording_hits(size_t size)
{
    struct mp_hooked *own = mp_hooked_own;
    if (!own || own->session != mp_recording.session) {
        own = join();
        if (!own || mp_sample_skips(&own->sample, size))
            return false;
    }
    mp_sample_next(&own->sample, mp_recording.sample);
    return true;
}

bool mp_recording_may_anchor(struct mp_hooked *mine)
{
    bool may =
        !mp_recording.sets_apart || (mine->walker.depth >= DEEP && mp_recording.see_ends());
    if (!may)
        mine->walker.debt = 0;
    return may;
}

uint32_t mp_recording_finish(struct mp_hooked *mine, PyThreadState *thread, uint32_t stack,
                             size_t size)
{
    int kept = errno;
    if (stack)
        mp_recording_anchor(mine, thread, size);
    else
        stack = mp_recording_label(mine, MP_HEAP_PYTHON);
    errno = kept;
    return stack;
}

void mp_recording_put_back(enum mp_lock lock, void *address, const struct mp_moving *moving)
{
    int kept = errno;
    const struct mp_block *block = &moving->block;
    struct mp_shadow *shadow = &mp_recording.ledger.shadow;
    enum mp_biased_lock_way way = mp_recording_enter_quickly(lock);
    bool same = mp_recording_is_open() && moving->session == mp_recording.session;
    if (same && block->known)
        mp_shadow_put(shadow, (uintptr_t)address, block->size, block->stack,
                      MP_SHADOW_AS_BEFORE);
    if (same && block->watched)
        mp_shadow_watch(shadow, (uintptr_t)address);
    mp_recording_leave(way);
    errno = kept;
}

void mp_recording_settle(enum mp_lock lock)
{
    enum mp_biased_lock_way way = mp_recording_enter_quickly(lock);
    if (mp_recording_is_open() && mp_recording_owes()) {
        int *error = mp_recording_mine()->error, kept = *error;
        mp_ledger_settle(&mp_recording.ledger);
        *error = kept;
    }
    mp_recording_leave(way);
    if (mp_recording.settled)
        mp_recording.settled();
}

void mp_recording_code_ends(const void *code)
{
    PyThreadState *thread;
    if (!mp_recording_is_open())
        return;
    enum mp_biased_lock_way way = mp_recording_enter(MP_LOCK_HELD, &thread);
    if (thread && mp_recording_is_open()) {
        struct mp_hooked *mine = mp_recording_mine();
        if (mp_walk_forget_code(&mp_recording.walk, &mine->walker, (uintptr_t)code))
            mp_shadow_unwatch(&mp_recording.ledger.shadow, (uintptr_t)code);
    }
    mp_recording_leave(way);
}

/* Whoever holds the biased lock has muted the hooks, or is the thread that holds the interpreter's lock:
   this one. */
void mp_recording_leave_arena(void *arena, size_t size)
{
    PyThreadState *thread;
    if (!mp_recording.open || !mp_recording_is_open() ||
        mp_native_state >= MP_NATIVE_MUTE || mp_recording.lock.owner_inside)
        return;
    enum mp_biased_lock_way way = mp_recording_enter(MP_LOCK_UNKNOWN, &thread);
    if (mp_recording_is_open())
        mp_shadow_leave(&mp_recording.ledger.shadow, (uintptr_t)arena, size);
    mp_recording_leave(way);
}
