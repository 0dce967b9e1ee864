/* Time: nanoseconds that never go back, and the processor's tick counter for hot paths. */
#ifndef MP_BASE_CLOCK_H
#define MP_BASE_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC in nanoseconds. */
int64_t mp_clock_ns(void);

/* For how long the machine was suspended since it started, ns: CLOCK_MONOTONIC stood still then. */
int64_t mp_clock_suspended(void);

/* Unix time less CLOCK_MONOTONIC, nanoseconds, to a microsecond: processes that take it agree on when
   something was, as long as nobody sets the wall clock in between. Taken once and added to readings of
   that clock, it gives times of day that no later step of the wall clock moves. */
int64_t mp_clock_wall_offset(void);

/* Ticks per microsecond of mp_clock_ticks(), measured once (50 us the first time). */
uint64_t mp_clock_ticks_per_us(void);

/* The processor's counter: about 8 ns, no system call. Only differences mean anything. */
static inline uint64_t mp_clock_ticks(void)
{
#if defined(__x86_64__) || defined(__i386__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#else
    return (uint64_t)mp_clock_ns();
#endif
}

#endif
