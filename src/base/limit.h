/* The limit on file sizes (RLIMIT_FSIZE), in processes that are not ours: a file of ours that meets
 * it is EFBIG, and the program hears no SIGXFSZ of it.
 */
#ifndef MP_BASE_LIMIT_H
#define MP_BASE_LIMIT_H

#include <signal.h>
#include <stdbool.h>

struct mp_limited {
    bool held;    /* there is a limit, and its signal is blocked */
    bool waiting; /* one was pending before: it is the program's */
    sigset_t before;
};

/* Around the calls that write to a file or make it larger: write(2), fallocate(2). Both keep
   errno, are good in signal handlers, and cost one system call where there is no limit. */
void mp_limit_begin(struct mp_limited *);
void mp_limit_end(struct mp_limited *, int failed);

#endif
