#include "capture/turn.h"

#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

static long membarrier(int command)
{
    return syscall(SYS_membarrier, command, 0, 0);
}

void mp_turn_init(struct mp_turn *turn)
{
    *turn = (struct mp_turn){
        .fences = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) != 0};
}

void mp_turn_wait(struct mp_turn *turn)
{
    do {
        __atomic_store_n(&turn->owner_inside, 0, __ATOMIC_RELEASE);
        while (__atomic_load_n(&turn->wanted, __ATOMIC_ACQUIRE))
            sched_yield();
        __atomic_store_n(&turn->owner_inside, 1, __ATOMIC_SEQ_CST);
    } while (__atomic_load_n(&turn->wanted, __ATOMIC_SEQ_CST));
}

void mp_turn_enter_other(struct mp_turn *turn)
{
    while (__atomic_exchange_n(&turn->others, 1, __ATOMIC_ACQUIRE))
        sched_yield();
    __atomic_store_n(&turn->wanted, 1, __ATOMIC_SEQ_CST);
    if (turn->fences)
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    else
        membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
    while (__atomic_load_n(&turn->owner_inside, __ATOMIC_ACQUIRE))
        sched_yield();
}

void mp_turn_leave_other(struct mp_turn *turn)
{
    __atomic_store_n(&turn->wanted, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&turn->others, 0, __ATOMIC_RELEASE);
}
