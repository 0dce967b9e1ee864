#include "cmd/heap/attach_refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/shared/command.h"

enum { CAP_PTRACE = 19 };

static int ptrace_scope(void)
{
    char text[16] = "0";
    int fd = open("/proc/sys/kernel/yama/ptrace_scope", O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && read(fd, text, sizeof text - 1) < 0)
        *text = '0';
    if (fd >= 0)
        close(fd);
    return atoi(text);
}

static bool may_trace(void)
{
    char text[64];
    int proc = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool may = proc >= 0 && mp_target_line(proc, "status", "CapEff:", text, sizeof text) &&
               strtoull(text, NULL, 16) >> CAP_PTRACE & 1;
    if (proc >= 0)
        close(proc);
    return may;
}

/* All that the kernel says is "no". */
static int refuse_forbidden(const struct mp_target *target)
{
    int scope = ptrace_scope(), pid = (int)target->pid;
    if (scope == 3)
        return mp_fail("cannot attach to process %d: this system lets nobody "
                       "(kernel.yama.ptrace_scope is 3) until it is started anew without "
                       "that",
                       pid);
    if (!may_trace() && !geteuid())
        return mp_fail(
            "cannot attach to process %d: mprof lacks CAP_SYS_PTRACE; a container "
            "is given it by --cap-add=SYS_PTRACE",
            pid);
    if (target->user != target->starter)
        return mp_fail(
            "cannot attach to process %d: it has the rights of user %u and was started by "
            "user %u, as set-uid programs are; run mprof as root",
            pid, (unsigned)target->user, (unsigned)target->starter);
    if (target->user != geteuid())
        return mp_fail(
            "cannot attach to process %d: it is user %u's; run mprof as that user "
            "or as root",
            pid, (unsigned)target->user);
    if (!may_trace() && scope)
        return mp_fail("cannot attach to process %d: this system lets root alone "
                       "(kernel.yama.ptrace_scope is %d); run mprof as root%s",
                       pid, scope, scope == 1 ? ", or set that to 0" : "");
    return mp_fail(
        "cannot attach to process %d: it is kept from being looked into, as programs are "
        "that changed their user, and processes of another user namespace%s",
        pid, geteuid() ? "; run mprof as root" : "");
}

static int refuse_elsewhere(const struct mp_target *target)
{
    return mp_fail("the main thread of process %d is in a sub-interpreter, and only the "
                   "main one can be recorded: try again when it is back",
                   (int)target->pid);
}

static int refuse_python(const struct mp_target *target, enum mp_target_problem problem)
{
    int pid = (int)target->pid;
    switch (problem) {
    case MP_TARGET_NO_PYTHON:
        return mp_fail(
            "process %d (%s) runs no Python; 'mprof attach %d' records the memory of "
            "any process over time",
            pid, target->name, pid);
    case MP_TARGET_PYPY:
        return mp_fail("process %d runs PyPy; heaps of CPython alone can be recorded", pid);
    case MP_TARGET_HIDDEN:
        return mp_fail(
            "process %d (%s) seems to run Python, but exports none of its functions: "
            "a program linked so cannot be attached to",
            pid, target->name);
    case MP_TARGET_OLD:
        return mp_fail(
            "process %d runs a CPython before 3.11, the oldest that is supported", pid);
    case MP_TARGET_UNKNOWN:
        return mp_fail(
            "process %d runs CPython %d.%d; this mprof can attach to 3.11 to 3.15", pid,
            mp_python_major(&target->python), mp_python_minor(&target->python));
    case MP_TARGET_FREE_THREADED:
        return mp_fail(
            "process %d runs the free-threaded CPython %d.%d, whose heap cannot be "
            "recorded",
            pid, mp_python_major(&target->python), mp_python_minor(&target->python));
    case MP_TARGET_ELSEWHERE:
        return refuse_elsewhere(target);
    case MP_TARGET_STARTS:
        return mp_fail("process %d is only starting its Python: try again", pid);
    default:
        return mp_fail("process %d is ending its Python", pid);
    }
}

int mp_attach_refuse(const struct mp_target *target, enum mp_target_problem problem)
{
    int pid = (int)target->pid;
    switch (problem) {
    case MP_TARGET_OK:
        return MP_EXIT_OK;
    case MP_TARGET_SYSTEM:
        return mp_fail("cannot look into process %d: %s", pid, strerror(errno));
    case MP_TARGET_NO_PROC:
        return mp_fail("cannot read /proc: is it mounted?");
    case MP_TARGET_NONE:
        return mp_fail("no process %d", pid);
    case MP_TARGET_SELF:
        return mp_fail("process %d is mprof itself", pid);
    case MP_TARGET_KERNEL:
        return mp_fail("process %d belongs to the kernel and has no memory of its own",
                       pid);
    case MP_TARGET_ENDED:
        return mp_fail("process %d has ended already, its parent has yet to notice", pid);
    case MP_TARGET_STOPPED:
        return mp_fail("process %d is stopped by a signal: 'kill -CONT %d' lets it go on",
                       pid, pid);
    case MP_TARGET_TRACED:
        return mp_fail("process %d is being traced by process %d: a process has one tracer",
                       pid, (int)target->tracer);
    case MP_TARGET_FORBIDDEN:
        return refuse_forbidden(target);
    case MP_TARGET_FOREIGN:
        return mp_fail("process %d (%s) runs a program of another machine, or of 32 bits",
                       pid, target->name);
    case MP_TARGET_NO_LIBC:
        return mp_fail("process %d has a C library that mprof does not know", pid);
    case MP_TARGET_GUARDED:
        return mp_fail("process %d runs with a shadow stack, which nobody may change", pid);
    default:
        return refuse_python(target, problem);
    }
}

int mp_attach_fail_injection(const struct mp_target *target,
                             enum mp_injection_problem problem)
{
    switch (problem) {
    case MP_INJECTION_FORBIDDEN:
        return refuse_forbidden(target);
    case MP_INJECTION_GONE:
        return mp_fail("process %d ended before it was attached to", (int)target->pid);
    case MP_INJECTION_NO_THREAD:
        return mp_fail(
            "cannot attach to process %d: none of its threads could be stopped where it "
            "may be; try again",
            (int)target->pid);
    default:
        return mp_fail("cannot attach to process %d: %s", (int)target->pid,
                       strerror(errno));
    }
}

int mp_attach_fail_answer(const struct mp_target *target, const char *const lines[3],
                          const char *path)
{
    int pid = (int)target->pid;
    if (!strcmp(lines[0], "busy"))
        return mp_fail("process %d is recorded already, by the program itself: %s", pid,
                       strerror(EBUSY));
    if (!strcmp(lines[0], "none"))
        return mp_fail("process %d has no recording that mprof began", pid);
    if (!strcmp(lines[0], "importing"))
        return mp_fail("process %d is in the middle of importing %s: try again", pid,
                       lines[1]);
    if (!strcmp(lines[0], "elsewhere"))
        return refuse_elsewhere(target);
    if (!strcmp(lines[0], "other"))
        return mp_fail(
            "process %d has loaded another memory_profiler, %s of %s: this mprof is %s",
            pid, lines[1], lines[2], MP_VERSION);
    if (!strcmp(lines[0], "system"))
        return mp_fail("process %d cannot record into %s: %s", pid, path,
                       strerror(atoi(lines[1])));
    if (!strcmp(lines[1], "ModuleNotFoundError"))
        return mp_fail(
            "process %d cannot read its Python's library any more, as after a change of its "
            "root or its user: %s",
            pid, lines[2]);
    return mp_fail("process %d could not begin to record: %s: %s", pid, lines[1], lines[2]);
}
