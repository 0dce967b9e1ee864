/* Whose a process without memory is, by the text of its /proc/PID/stat: the kernel's own, or one that is
   ending, whose memory is gone while it has yet to become a zombie. */
#ifndef MP_BASE_KERNEL_THREAD_H
#define MP_BASE_KERNEL_THREAD_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static inline bool mp_stat_is_of_kernel_thread(const char *stat)
{
    const unsigned pf_kthread = 0x00200000;
    const char *state = strrchr(stat, ')'); /* a name may have spaces and parentheses */
    unsigned flags = 0;
    return state && sscanf(state + 1, " %*c %*d %*d %*d %*d %*d %u", &flags) == 1 &&
           flags & pf_kthread;
}

#endif
