/* Readings of ours that shall take at most a hundredth of the program's time.
 *
 *     reading   ▮ cost            ▮ cost                  not before `next`, a hundred costs later
 *     time      ├──── 100 costs ──┼──────────────►
 */
#ifndef MP_CAPTURE_HEAP_ACCOUNTING_THROTTLE_H
#define MP_CAPTURE_HEAP_ACCOUNTING_THROTTLE_H

#include <stdint.h>
#include <time.h>

enum { MP_THROTTLE_SHARE = 100 };

struct mp_throttle {
    int64_t next;  /* reading at the earliest, on the caller's clock, ns */
    int64_t began; /* the running one, on this thread's */
};

/* Of this thread: not what others, or the debugger, took meanwhile. */
static inline int64_t mp_throttle_clock(void)
{
    struct timespec spent;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
    return (int64_t)spent.tv_sec * 1000000000 + spent.tv_nsec;
}

static inline void mp_throttle_begin(struct mp_throttle *throttle)
{
    throttle->began = mp_throttle_clock();
}

/* The reading that began at `now` is over; the next one is at least `least` ns later. */
static inline void mp_throttle_end(struct mp_throttle *throttle, int64_t now, int64_t least)
{
    int64_t rest = (mp_throttle_clock() - throttle->began) * MP_THROTTLE_SHARE;
    throttle->next = now + (rest > least ? rest : least);
}

#endif
