#include "capture/heap/accounting/biased_lock.h"

#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"

enum {
    OFTEN = 16,            /* others within... */
    A_MOMENT_NS = 1000000, /* ...this: its bias is revoked */
    ACQUISITIONS = 4096,   /* without others: it is biased again */
    SPINS = 100,           /* before another thread is let run */
};

static long membarrier(int command)
{
    return syscall(SYS_membarrier, command, 0, 0);
}

void mp_biased_lock_init(struct mp_biased_lock *lock)
{
    *lock = (struct mp_biased_lock){
        .fences = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) != 0};
}

static void spin_lock(struct mp_biased_lock *lock)
{
    for (unsigned spins = 1; __atomic_exchange_n(&lock->others, 1, __ATOMIC_ACQUIRE);
         spins++)
        if (spins % SPINS == 0)
            sched_yield();
}

static void spin_unlock(struct mp_biased_lock *lock)
{
    __atomic_store_n(&lock->others, 0, __ATOMIC_RELEASE);
}

/* Under the lock. */
static enum mp_biased_lock_way take_revoked(struct mp_biased_lock *lock, bool is_other)
{
    lock->contended += is_other;
    if (++lock->acquisitions == ACQUISITIONS) {
        lock->revoked = lock->contended > 0;
        lock->contended = lock->acquisitions = 0;
    }
    return MP_BIASED_LOCK_OTHER;
}

/* While the lock is biased, another that is inside will be out soon: no use in taking the lock. */
enum mp_biased_lock_way mp_biased_lock_enter_slowly(struct mp_biased_lock *lock)
{
    do {
        __atomic_store_n(&lock->owner_inside, 0, __ATOMIC_RELEASE);
        spin_lock(lock);
        if (lock->revoked)
            return take_revoked(lock, false);
        spin_unlock(lock);
        __atomic_store_n(&lock->owner_inside, 1, __ATOMIC_SEQ_CST);
    } while (__atomic_load_n(&lock->wanted, __ATOMIC_SEQ_CST));
    return MP_BIASED_LOCK_OWNER;
}

/* Under the lock: whether it shall stay revoked when this one leaves. */
static void count_other(struct mp_biased_lock *lock)
{
    int64_t now = mp_clock_ns();
    if (now - lock->since > A_MOMENT_NS) {
        lock->since = now;
        lock->contended = 0;
    }
    lock->revoked = ++lock->contended >= OFTEN;
    lock->acquisitions = 0;
}

enum mp_biased_lock_way mp_biased_lock_enter_other(struct mp_biased_lock *lock)
{
    spin_lock(lock);
    if (lock->revoked)
        return take_revoked(lock, true); /* the owner comes this way too */
    count_other(lock);
    __atomic_store_n(&lock->wanted, 1, __ATOMIC_SEQ_CST);
    if (lock->fences)
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    else
        membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
    while (__atomic_load_n(&lock->owner_inside, __ATOMIC_ACQUIRE))
        sched_yield();
    return MP_BIASED_LOCK_OTHER;
}

void mp_biased_lock_leave_other(struct mp_biased_lock *lock)
{
    if (!lock->revoked)
        __atomic_store_n(&lock->wanted, 0, __ATOMIC_RELEASE);
    spin_unlock(lock);
}
