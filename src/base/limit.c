#include "base/limit.h"

#include <errno.h>
#include <sys/resource.h>
#include <time.h>

static bool is_limited(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) || limit.rlim_cur != RLIM_INFINITY;
}

/* The signal goes to the thread that writes. */
void mp_limit_begin(struct mp_limited *limited)
{
    int kept = errno;
    sigset_t signal, pending;
    *limited = (struct mp_limited){.held = is_limited()};
    sigemptyset(&signal);
    sigaddset(&signal, SIGXFSZ);
    if (limited->held)
        limited->held = !pthread_sigmask(SIG_BLOCK, &signal, &limited->before);
    if (limited->held)
        limited->waiting = !sigpending(&pending) && sigismember(&pending, SIGXFSZ) == 1;
    errno = kept;
}

void mp_limit_end(struct mp_limited *limited, int failed)
{
    static const struct timespec at_once;
    int kept = errno;
    sigset_t signal;
    sigemptyset(&signal);
    sigaddset(&signal, SIGXFSZ);
    if (!limited->held)
        return;
    if (failed && kept == EFBIG && !limited->waiting)
        sigtimedwait(&signal, NULL, &at_once);
    pthread_sigmask(SIG_SETMASK, &limited->before, NULL);
    errno = kept;
}
