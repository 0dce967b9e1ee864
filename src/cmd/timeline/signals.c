#include "cmd/timeline/signals.h"

#include <poll.h>
#include <stddef.h>
#include <time.h>

#include "base/clock.h"
#include "record/timeline.h"

static volatile sig_atomic_t pending, by_kernel, interrupts;
static sigset_t waiting_mask;

static void note(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (number == SIGCHLD)
        return;
    pending = number;
    by_kernel = info->si_code > 0;
    interrupts += number == SIGINT;
}

void mp_signals_install(struct mp_signals_before *before)
{
    static const int handled[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGCHLD};
    sigset_t blocked;
    sigemptyset(&blocked);
    struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
    sigemptyset(&action.sa_mask);
    sigprocmask(SIG_SETMASK, NULL, &before->mask);
    waiting_mask = before->mask;
    for (size_t i = 0; i < sizeof handled / sizeof *handled; i++) {
        struct sigaction present;
        if (handled[i] != SIGCHLD && !sigaction(handled[i], NULL, &present) &&
            present.sa_handler == SIG_IGN)
            continue; /* nohup */
        sigaddset(&blocked, handled[i]);
        sigdelset(&waiting_mask, handled[i]);
        sigaction(handled[i], &action, NULL);
    }
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    before->pipe_ignored = signal(SIGPIPE, SIG_IGN) == SIG_IGN;
    before->file_size_ignored = signal(SIGXFSZ, SIG_IGN) == SIG_IGN;
}

void mp_signals_restore(const struct mp_signals_before *before)
{
    if (!before->pipe_ignored)
        signal(SIGPIPE, SIG_DFL);
    if (!before->file_size_ignored)
        signal(SIGXFSZ, SIG_DFL);
    sigprocmask(SIG_SETMASK, &before->mask, NULL);
}

enum mp_wakeup mp_signals_wait(int64_t deadline, int pidfd)
{
    int64_t left = deadline - mp_clock_ns();
    if (left < 0)
        left = 0;
    struct timespec timeout = {left / MP_SECOND, left % MP_SECOND};
    struct pollfd process = {.fd = pidfd, .events = POLLIN};
    int ready = ppoll(&process, pidfd >= 0, &timeout, &waiting_mask);
    return ready > 0 ? MP_WAKEUP_ENDED : ready == 0 ? MP_WAKEUP_DEADLINE : MP_WAKEUP_SIGNAL;
}

struct mp_signal mp_signals_take(void)
{
    struct mp_signal taken = {pending, by_kernel, interrupts};
    pending = 0;
    return taken;
}
