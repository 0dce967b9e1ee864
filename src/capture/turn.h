/* Who may write the capture now: a lock that costs its usual owner two stores and a load.
 *
 * The usual owner is whichever thread holds the interpreter's lock: only one at a time. The
 * others (PyMem_RawMalloc without it) are rare and pay for both: they announce themselves and
 * make every processor see it with membarrier(2). Where that is missing, the owner fences.
 */
#ifndef MP_CAPTURE_TURN_H
#define MP_CAPTURE_TURN_H

#include <stdbool.h>

struct mp_turn {
    int owner_inside;
    int wanted;  /* another is waiting or inside */
    int others;  /* taken by one of the others */
    bool fences; /* no membarrier(2) */
};

/* Call once per process before first use. */
void mp_turn_init(struct mp_turn *);

void mp_turn_wait(struct mp_turn *); /* the owner's slow way in */

static inline void mp_turn_enter(struct mp_turn *turn)
{
    __atomic_store_n(&turn->owner_inside, 1, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (__builtin_expect(turn->fences, 0))
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__builtin_expect(__atomic_load_n(&turn->wanted, __ATOMIC_ACQUIRE), 0))
        mp_turn_wait(turn);
}

static inline void mp_turn_leave(struct mp_turn *turn)
{
    __atomic_store_n(&turn->owner_inside, 0, __ATOMIC_RELEASE);
}

void mp_turn_enter_other(struct mp_turn *);
void mp_turn_leave_other(struct mp_turn *);

#endif
