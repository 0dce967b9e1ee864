/* The way that most blocks go: small ones of pymalloc's, in a thread that is known, where every block is
 * recorded. What finds anything else says so before it has changed anything, and the block goes the way
 * of all (recording.h), which does the same in some twice the instructions.
 */
#ifndef MP_CAPTURE_HEAP_PYTHON_USUAL_H
#define MP_CAPTURE_HEAP_PYTHON_USUAL_H

#include "capture/heap/python/recording.h"

/* The calling thread's, if it is known and all is as usual, else NULL. */
static inline struct mp_hooked *mp_usual_mine(void)
{
    struct mp_hooked *mine = mp_hooked_own;
    return __builtin_expect(mine && mine->session == mp_recording.usual, 1) ? mine : NULL;
}

/* Whether the biased lock was entered, by who holds the interpreter's lock. */
static inline bool mp_usual_enter(void)
{
    if (__builtin_expect(!mp_biased_lock_enter_biased(&mp_recording.lock), 0))
        return false;
    if (__builtin_expect(mp_recording_is_open() != 0, 1))
        return true;
    mp_biased_lock_leave(&mp_recording.lock, MP_BIASED_LOCK_OWNER);
    return false;
}

static inline void mp_usual_leave(void)
{
    mp_biased_lock_leave(&mp_recording.lock, MP_BIASED_LOCK_OWNER);
}

/* Whether a block of a pool that was allocated has been recorded. */
static inline bool mp_usual_alloc(void *address, size_t size)
{
    if (size - 1 >= MP_LEDGER_SMALL)
        __builtin_unreachable();
    struct mp_hooked *mine = mp_tags_are_used ? NULL : mp_usual_mine();
    PyThreadState *thread = mine ? *mine->holding : NULL;
    if (__builtin_expect(!thread || mine->aside, 0) || !mp_usual_enter())
        return false;
    struct mp_ledger *ledger = &mp_recording.ledger;
    uint32_t counts = 0;
    uint32_t stack = mp_walk_thread(&mp_recording.walk, &mine->walker, thread);
    if (__builtin_expect(!stack || mp_walker_needs_anchor(&mine->walker), 0))
        stack = mp_recording_finish(mine, thread, stack, size);
    if (mp_ledger_know(ledger, (uintptr_t)address, size, stack, MP_SHADOW_IN_POOL))
        counts = mp_ledger_count(ledger, mine->totals, (uintptr_t)address, size, stack,
                                 mp_ledger_whole(size), (int64_t)size);
    mp_recording_note_last(mine, address, counts);
    mp_flow_add(&mine->flow, size);
    mp_usual_leave();
    return true;
}

/* Whether the end of a block has been recorded. */
static inline bool mp_usual_free(void *address)
{
    struct mp_ledger *ledger = &mp_recording.ledger;
    struct mp_hooked *mine = mp_usual_mine();
    struct mp_block block;
    if (!mine || !mp_usual_enter())
        return false;
    if (!mp_shadow_take_pooled(&ledger->shadow, (uintptr_t)address, &block)) {
        mp_usual_leave();
        return false;
    }
    mp_ledger_discount(ledger, mine->totals, (uintptr_t)address, &block,
                       mp_recording_last(mine, address), mp_ledger_whole(block.size),
                       (int64_t)block.size);
    mp_flow_remove(&mine->flow, block.size);
    mp_recording_note_change();
    mp_usual_leave();
    return true;
}

#endif
