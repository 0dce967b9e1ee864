/* Signals while a program is watched: they wake the wait between two rounds and are told apart
 * by who sent them. What the terminal sends (Ctrl-C) has reached the program too, being in our
 * process group; what a process sends to us alone is ours to forward. */
#ifndef MP_CMD_TIMELINE_SIGNALS_H
#define MP_CMD_TIMELINE_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct mp_signal {
    int number;         /* 0: none */
    bool from_terminal; /* the kernel's, not a process's */
    int interrupts;     /* SIGINTs so far */
};

/* What the program must find as if we were not there. */
struct mp_signals_before {
    sigset_t mask;
    bool pipe_ignored, file_size_ignored;
};

/* Handles SIGTERM, SIGHUP, SIGINT, SIGQUIT and SIGCHLD, blocked except while waiting, and
   ignores SIGPIPE and SIGXFSZ. *before is what to give the program. */
void mp_signals_install(struct mp_signals_before *before);

/* In the program's process, before it runs. */
void mp_signals_restore(const struct mp_signals_before *);

enum mp_wakeup { MP_WAKEUP_DEADLINE, MP_WAKEUP_SIGNAL, MP_WAKEUP_ENDED };

/* Sleeps until `deadline` (monotonic ns), a signal, or the end of the process of `pidfd`
   (-1: none). */
enum mp_wakeup mp_signals_wait(int64_t deadline, int pidfd);

/* The signal that came since the last call; not SIGCHLD. */
struct mp_signal mp_signals_take(void);

#endif
