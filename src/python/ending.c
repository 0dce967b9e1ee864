/* The exit code of a run whose program succeeded and whose report did not. The interpreter has its
 * code before exit functions run, so it is changed where nothing but the C library's exit remains.
 */
#include "python/door.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int code;
static pid_t owner;

/* Registered before the program loads its libraries: theirs have run. */
static void leave(int status, void *context)
{
    (void)context;
    if (!code || status || owner != getpid())
        return;
    fflush(NULL);
    _exit(code);
}

#ifndef __GLIBC__
static void leave_somehow(void)
{
    leave(0, NULL);
}
#endif

/* Where the C library does not tell the code, it is 0 as far as the caller knows. */
static int watch_exit(void)
{
#ifdef __GLIBC__
    return on_exit(leave, NULL);
#else
    return atexit(leave_somehow);
#endif
}

static PyObject *exit_with(PyObject *module, PyObject *argument)
{
    static int registered;
    long wanted = PyLong_AsLong(argument);
    (void)module;
    if (wanted == -1 && PyErr_Occurred())
        return NULL;
    if (!registered)
        registered = !watch_exit();
    code = (int)wanted;
    owner = getpid();
    Py_RETURN_NONE;
}

/* SIGTERM while there is a report to write: a handler in Python writes it, and waits for C code to
   come back. A timer of the kernel's sends the signal again, and then it ends the process. */
static void (*pythons)(int);
static int timer = -1;
static long patience; /* seconds */

static int set_timer(long seconds)
{
    struct itimerspec when = {.it_value.tv_sec = seconds};
    return timer < 0 ? -1 : (int)syscall(SYS_timer_settime, timer, 0, &when, NULL);
}

static void on_sigterm(int number, siginfo_t *info, void *context)
{
    static const char line[] =
        "memory_profiler: no report: the program did not return from C code after SIGTERM\n";
    int kept = errno;
    (void)context;
    if (info->si_code == SI_TIMER) {
        if (write(STDERR_FILENO, line, sizeof line - 1) < 0)
            kept = errno; /* nobody to tell */
        signal(number, SIG_DFL);
        raise(number);
    } else {
        set_timer(patience);
        pythons(number);
    }
    errno = kept;
}

/* The kernel's own, since glibc has its in another library before 2.34. A fork has no timers. */
static int make_timer(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGTERM};
    return (int)syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer);
}

static PyObject *sigterm_within(PyObject *module, PyObject *argument)
{
    struct sigaction action;
    long wanted = PyLong_AsLong(argument);
    (void)module;
    if (wanted == -1 && PyErr_Occurred())
        return NULL;
    if (!wanted)
        set_timer(0);
    else if (!sigaction(SIGTERM, NULL, &action) && !(action.sa_flags & SA_SIGINFO) &&
             action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN &&
             !make_timer()) {
        pythons = action.sa_handler;
        patience = wanted;
        action.sa_sigaction = on_sigterm;
        action.sa_flags |= SA_SIGINFO;
        sigaction(SIGTERM, &action, NULL);
    }
    Py_RETURN_NONE;
}

PyMethodDef mp_ending_methods[] = {
    {"sigterm_within", sigterm_within, METH_O,
     "sigterm_within(seconds): SIGTERM, for which a handler was set before, ends the process\n"
     "after so long where the handler could not be called. 0: it was called."},
    {"exit_with", exit_with, METH_O,
     "exit_with(code): this process's exit code in place of 0; 0: it stays what it is.\n"
     "Call it with 0 early: what was registered with atexit(3) after that still runs."},
    {NULL, NULL, 0, NULL},
};
