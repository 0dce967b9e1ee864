#include "capture/heap/native/hooks_signals.h"

#include <signal.h>
#include <stddef.h>

#include "base/guard.h"

typedef int set_action(int, const struct sigaction *, struct sigaction *);
typedef void (*set_handler(int, void (*)(int)))(int);

static set_action *real_sigaction, *real_own_sigaction;
static set_handler *real_signal, *real_bsd_signal, *real_sysv_signal, *real_own_sysv_signal;
static int (*real_siginterrupt)(int, int);

static int around_action(set_action *real, int signal, const struct sigaction *action,
                         struct sigaction *before)
{
    sigset_t mask;
    bool paused = signal == SIGBUS && mp_guard_pause(&mask);
    int failed = real(signal, action, before);
    if (paused)
        mp_guard_resume(&mask);
    return failed;
}

static int hook_sigaction(int signal, const struct sigaction *action,
                          struct sigaction *before)
{
    return around_action(real_sigaction, signal, action, before);
}

static int hook_own_sigaction(int signal, const struct sigaction *action,
                              struct sigaction *before)
{
    return around_action(real_own_sigaction, signal, action, before);
}

static void (*around_handler(set_handler *real, int signal, void (*handler)(int)))(int)
{
    sigset_t mask;
    bool paused = signal == SIGBUS && mp_guard_pause(&mask);
    void (*before)(int) = real(signal, handler);
    if (paused)
        mp_guard_resume(&mask);
    return before;
}

static void (*hook_signal(int signal, void (*handler)(int)))(int)
{
    return around_handler(real_signal, signal, handler);
}

static void (*hook_bsd_signal(int signal, void (*handler)(int)))(int)
{
    return around_handler(real_bsd_signal, signal, handler);
}

static void (*hook_sysv_signal(int signal, void (*handler)(int)))(int)
{
    return around_handler(real_sysv_signal, signal, handler);
}

static void (*hook_own_sysv_signal(int signal, void (*handler)(int)))(int)
{
    return around_handler(real_own_sysv_signal, signal, handler);
}

static int hook_siginterrupt(int signal, int interrupts)
{
    sigset_t mask;
    bool paused = signal == SIGBUS && mp_guard_pause(&mask);
    int failed = real_siginterrupt(signal, interrupts);
    if (paused)
        mp_guard_resume(&mask);
    return failed;
}

const struct mp_patch mp_native_signals[MP_NATIVE_SIGNALS] = {
    {"sigaction", (void *)hook_sigaction, (void **)&real_sigaction},
    {"__sigaction", (void *)hook_own_sigaction, (void **)&real_own_sigaction},
    {"signal", (void *)hook_signal, (void **)&real_signal},
    {"bsd_signal", (void *)hook_bsd_signal, (void **)&real_bsd_signal},
    {"sysv_signal", (void *)hook_sysv_signal, (void **)&real_sysv_signal},
    {"__sysv_signal", (void *)hook_own_sysv_signal, (void **)&real_own_sysv_signal},
    {"siginterrupt", (void *)hook_siginterrupt, (void **)&real_siginterrupt},
};
