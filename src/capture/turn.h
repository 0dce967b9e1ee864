/* Who may write the capture now: a lock that costs its usual owner two stores and a load.
 *
 *     leaning   the usual owner, whichever thread holds the interpreter's lock, only says that it
 *               is inside; the others (allocations without that lock) make every processor see
 *               that they want it, with membarrier(2): a microsecond, and rare
 *     upright   when the others come often, everybody takes the same spin lock, some 5 ns, until
 *               none of them has come for a while
 *
 * Where membarrier(2) is missing the owner fences. Never held across a call that can wait.
 */
#ifndef MP_CAPTURE_TURN_H
#define MP_CAPTURE_TURN_H

#include <stdbool.h>
#include <stdint.h>

struct mp_turn {
    int owner_inside;
    int wanted;      /* another is waiting or inside, or the lock is upright */
    int others;      /* the spin lock */
    bool upright;    /* under the spin lock */
    bool fences;     /* no membarrier(2) */
    unsigned came;   /* others since `since`, or among the passes */
    unsigned passes; /* while upright */
    int64_t since;   /* ns, monotonic */
};

/* How a thread came in, to leave by the same way. */
enum mp_turn_way { MP_TURN_OWNER, MP_TURN_OTHER };

/* Call once per process before first use, and in a forked child. */
void mp_turn_init(struct mp_turn *);

enum mp_turn_way mp_turn_enter_slowly(struct mp_turn *); /* the owner's */

static inline enum mp_turn_way mp_turn_enter(struct mp_turn *turn)
{
    __atomic_store_n(&turn->owner_inside, 1, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (__builtin_expect(turn->fences, 0))
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__builtin_expect(__atomic_load_n(&turn->wanted, __ATOMIC_ACQUIRE), 0))
        return mp_turn_enter_slowly(turn);
    return MP_TURN_OWNER;
}

enum mp_turn_way mp_turn_enter_other(struct mp_turn *);
void mp_turn_leave_other(struct mp_turn *);

static inline void mp_turn_leave(struct mp_turn *turn, enum mp_turn_way way)
{
    if (__builtin_expect(way == MP_TURN_OWNER, 1))
        __atomic_store_n(&turn->owner_inside, 0, __ATOMIC_RELEASE);
    else
        mp_turn_leave_other(turn);
}

#endif
