/* Who may write the capture now: a biased lock, which costs its usual owner two stores and a load.
 *
 *     biased    the usual owner, whichever thread holds the interpreter's lock, only says that it
 *               is inside; the others (allocations without that lock) make every processor see
 *               that they want it, with membarrier(2): a microsecond, and rare
 *     revoked   when the others come often, everybody takes the same spin lock, some 5 ns, until
 *               none of them has come for a while
 *
 * Where membarrier(2) is missing the owner fences. Never held across a call that can wait.
 */
#ifndef MP_CAPTURE_HEAP_ACCOUNTING_BIASED_LOCK_H
#define MP_CAPTURE_HEAP_ACCOUNTING_BIASED_LOCK_H

#include <stdbool.h>
#include <stdint.h>

struct mp_biased_lock {
    int owner_inside;
    int wanted;            /* another is waiting or inside, or the bias is revoked */
    int others;            /* the spin lock */
    bool revoked;          /* under the spin lock */
    bool fences;           /* no membarrier(2) */
    unsigned contended;    /* others since `since`, or among the acquisitions */
    unsigned acquisitions; /* while revoked */
    int64_t since;         /* ns, monotonic */
};

/* How a thread came in, to leave by the same way. */
enum mp_biased_lock_way { MP_BIASED_LOCK_OWNER, MP_BIASED_LOCK_OTHER };

/* Call once per process before first use, and in a forked child. */
void mp_biased_lock_init(struct mp_biased_lock *);

enum mp_biased_lock_way
mp_biased_lock_enter_slowly(struct mp_biased_lock *); /* the owner's */

static inline enum mp_biased_lock_way mp_biased_lock_enter(struct mp_biased_lock *lock)
{
    __atomic_store_n(&lock->owner_inside, 1, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (__builtin_expect(lock->fences, 0))
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__builtin_expect(__atomic_load_n(&lock->wanted, __ATOMIC_ACQUIRE), 0))
        return mp_biased_lock_enter_slowly(lock);
    return MP_BIASED_LOCK_OWNER;
}

/* The owner's, where no fence is needed: whether the lock is biased, else it was not entered. To be left as
   MP_BIASED_LOCK_OWNER. */
static inline bool mp_biased_lock_enter_biased(struct mp_biased_lock *lock)
{
    __atomic_store_n(&lock->owner_inside, 1, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (__builtin_expect(!__atomic_load_n(&lock->wanted, __ATOMIC_ACQUIRE), 1))
        return true;
    __atomic_store_n(&lock->owner_inside, 0, __ATOMIC_RELEASE);
    return false;
}

enum mp_biased_lock_way mp_biased_lock_enter_other(struct mp_biased_lock *);
void mp_biased_lock_leave_other(struct mp_biased_lock *);

static inline void mp_biased_lock_leave(struct mp_biased_lock *lock,
                                        enum mp_biased_lock_way way)
{
    if (__builtin_expect(way == MP_BIASED_LOCK_OWNER, 1))
        __atomic_store_n(&lock->owner_inside, 0, __ATOMIC_RELEASE);
    else
        mp_biased_lock_leave_other(lock);
}

#endif
