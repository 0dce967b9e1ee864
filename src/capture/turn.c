#include "capture/turn.h"

#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"

enum {
    OFTEN = 16,            /* others within... */
    A_MOMENT_NS = 1000000, /* ...this: the lock stands upright */
    PASSES = 4096,         /* without others: it leans again */
    SPINS = 100,           /* before another thread is let run */
};

static long membarrier(int command)
{
    return syscall(SYS_membarrier, command, 0, 0);
}

void mp_turn_init(struct mp_turn *turn)
{
    *turn = (struct mp_turn){
        .fences = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) != 0};
}

static void lock(struct mp_turn *turn)
{
    for (unsigned spins = 1; __atomic_exchange_n(&turn->others, 1, __ATOMIC_ACQUIRE);
         spins++)
        if (spins % SPINS == 0)
            sched_yield();
}

static void unlock(struct mp_turn *turn)
{
    __atomic_store_n(&turn->others, 0, __ATOMIC_RELEASE);
}

/* Under the lock. */
static enum mp_turn_way pass_upright(struct mp_turn *turn, bool is_other)
{
    turn->came += is_other;
    if (++turn->passes == PASSES) {
        turn->upright = turn->came > 0;
        turn->came = turn->passes = 0;
    }
    return MP_TURN_OTHER;
}

/* While the lock leans, another that is inside will be out soon: no use in taking the lock. */
enum mp_turn_way mp_turn_enter_slowly(struct mp_turn *turn)
{
    do {
        __atomic_store_n(&turn->owner_inside, 0, __ATOMIC_RELEASE);
        lock(turn);
        if (turn->upright)
            return pass_upright(turn, false);
        unlock(turn);
        __atomic_store_n(&turn->owner_inside, 1, __ATOMIC_SEQ_CST);
    } while (__atomic_load_n(&turn->wanted, __ATOMIC_SEQ_CST));
    return MP_TURN_OWNER;
}

/* Under the lock: whether it shall stay upright when this one leaves. */
static void count_other(struct mp_turn *turn)
{
    int64_t now = mp_clock_ns();
    if (now - turn->since > A_MOMENT_NS) {
        turn->since = now;
        turn->came = 0;
    }
    turn->upright = ++turn->came >= OFTEN;
    turn->passes = 0;
}

enum mp_turn_way mp_turn_enter_other(struct mp_turn *turn)
{
    lock(turn);
    if (turn->upright)
        return pass_upright(turn, true); /* the owner comes this way too */
    count_other(turn);
    __atomic_store_n(&turn->wanted, 1, __ATOMIC_SEQ_CST);
    if (turn->fences)
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    else
        membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
    while (__atomic_load_n(&turn->owner_inside, __ATOMIC_ACQUIRE))
        sched_yield();
    return MP_TURN_OTHER;
}

void mp_turn_leave_other(struct mp_turn *turn)
{
    if (!turn->upright)
        __atomic_store_n(&turn->wanted, 0, __ATOMIC_RELEASE);
    unlock(turn);
}
