/* mprof run PROGRAM: what is started, and what is said and returned when it has ended. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/capture_file.h"
#include "cmd/child.h"
#include "cmd/command.h"
#include "cmd/interpreter.h"
#include "cmd/session.h"
#include "cmd/settings.h"
#include "cmd/watch.h"

/* The command to execute, and the one to show: owned arrays of borrowed arguments. */
struct plan {
    char **execute, **show;
    size_t shown;
    char *interpreter; /* owned; NULL for any other program */
};

static bool ends_in_py(const char *name)
{
    size_t length = strlen(name);
    return length > 3 && !strcmp(name + length - 3, ".py");
}

/* A script is found as `python -m memory_profiler` finds it. Returns 0, or the exit code. */
static int check_script(const char *script)
{
    struct stat status;
    char *found = NULL;
    if (!stat(script, &status) && S_ISDIR(status.st_mode))
        return mp_fail("script %s is a directory", script);
    if (stat(script, &status) && !(found = mp_path_search(script, R_OK)))
        return mp_fail("could not find script %s", script);
    free(found);
    return 0;
}

/* PYTHON -m memory_profiler --timestamp -o FILE [options] script arguments */
static int plan_python(struct plan *plan, const struct mp_run_settings *settings, int count,
                       char **program, char *path)
{
    static char minus_m[] = "-m", package[] = "memory_profiler",
                timestamp[] = "--timestamp", output[] = "-o",
                children[] = "--include-children", backend[] = "--backend";
    if (settings->user) {
        mp_fail("functions of another user's process cannot be recorded: the file is "
                "yours alone; use --nopython");
        return MP_EXIT_FAILURE;
    }
    bool given = mp_interpreter_is(program[0]) && count > 1;
    if (ends_in_py(program[given]) && check_script(program[given]))
        return MP_EXIT_FAILURE;
    plan->interpreter = given ? strdup(program[0]) : mp_interpreter_find();
    plan->execute = calloc((size_t)count + 12, sizeof *plan->execute);
    plan->show = calloc((size_t)count + 2, sizeof *plan->show);
    if (!plan->interpreter || !plan->execute || !plan->show)
        return MP_EXIT_FAILURE;
    char **at = plan->execute;
    *at++ = plan->interpreter;
    *at++ = minus_m;
    *at++ = package;
    *at++ = timestamp;
    *at++ = output;
    *at++ = path;
    if (settings->children)
        *at++ = children;
    if (settings->backend) {
        *at++ = backend;
        *at++ = (char *)settings->backend;
    }
    memcpy(at, program + given, (size_t)(count - given) * sizeof *at);
    plan->show[0] = plan->interpreter;
    memcpy(plan->show + 1, program + given, (size_t)(count - given) * sizeof *at);
    plan->shown = (size_t)(count - given) + 1;
    return 0;
}

static int plan_run(struct plan *plan, const struct mp_run_settings *settings, int count,
                    char **program, char *path)
{
    *plan = (struct plan){0};
    if (settings->python || (ends_in_py(program[0]) && !settings->nopython))
        return plan_python(plan, settings, count, program, path);
    plan->execute = calloc((size_t)count + 1, sizeof *plan->execute);
    plan->show = calloc((size_t)count + 1, sizeof *plan->show);
    if (!plan->execute || !plan->show)
        return mp_fail("out of memory");
    memcpy(plan->execute, program, (size_t)count * sizeof *program);
    memcpy(plan->show, program, (size_t)count * sizeof *program);
    plan->shown = (size_t)count;
    return 0;
}

static void release_plan(struct plan *plan)
{
    free(plan->show);
    free(plan->execute);
    free(plan->interpreter);
}

static int cannot_execute(const char *program, int why)
{
    if (why == ENOENT) {
        mp_fail("program not found: %s", program);
        return MP_EXIT_NOT_FOUND;
    }
    mp_fail("cannot execute %s: %s", program, strerror(why));
    return MP_EXIT_NOT_EXECUTABLE;
}

/* Without its SIG, as kill -l has it; libc's own table is too new to rely on. */
static const char *signal_name(int number)
{
    static const char *const names[] = {
        "0",      "HUP",  "INT",    "QUIT", "ILL",   "TRAP", "ABRT", "BUS",
        "FPE",    "KILL", "USR1",   "SEGV", "USR2",  "PIPE", "ALRM", "TERM",
        "STKFLT", "CHLD", "CONT",   "STOP", "TSTP",  "TTIN", "TTOU", "URG",
        "XCPU",   "XFSZ", "VTALRM", "PROF", "WINCH", "IO",   "PWR",  "SYS"};
    return number < (int)(sizeof names / sizeof *names) ? names[number] : "RT";
}

/* Says how the program ended, when not well; returns what mprof exits with. */
static int conclude(const struct mp_watch *watch, const struct mp_run_settings *settings)
{
    int code = 0;
    if (watch->end.ending == MP_ENDED_TIMEOUT)
        mp_note("timeout: stopped recording, process %d goes on", (int)watch->pid);
    if (watch->reaped && WIFSIGNALED(watch->status)) {
        code = MP_EXIT_SIGNAL + WTERMSIG(watch->status);
        mp_note("program was killed by SIG%s", signal_name(WTERMSIG(watch->status)));
    } else if (watch->reaped && WEXITSTATUS(watch->status)) {
        code = WEXITSTATUS(watch->status);
        mp_note("program exited with code %d", code);
    }
    if (watch->signal)
        return MP_EXIT_SIGNAL + watch->signal;
    if (!settings->exit_code)
        code = 0;
    return !code && watch->writer.error ? MP_EXIT_PROFILER : code;
}

static int run_planned(const struct mp_run_settings *settings, const struct plan *plan,
                       struct mp_capture_file *file)
{
    struct mp_session session;
    struct mp_child child;
    struct mp_run_notice notice = {.owns_marks = !settings->keep_marks,
                                   .children_too = settings->children || settings->each,
                                   .path = file->path};
    mp_session_init(&session, settings, file);
    session.inheritance.user = settings->user;
    notice.offset = session.watch.offset;
    if (mp_child_start(&child, plan->execute, &notice, &session.inheritance)) {
        mp_fail("cannot start %s: %s", plan->execute[0], strerror(errno));
        return MP_EXIT_PROFILER;
    }
    session.watch.ours = true;
    if (mp_session_watch(&session, child.pid)) {
        mp_child_cancel(&child);
        return MP_EXIT_PROFILER;
    }
    if (mp_session_begin(&session, plan->show, plan->shown)) {
        mp_child_cancel(&child);
        mp_session_release(&session);
        return MP_EXIT_PROFILER;
    }
    int why = mp_child_go(&child);
    if (why) {
        mp_session_release(&session);
        return cannot_execute(plan->execute[0], why);
    }
    mp_session_record(&session);
    int code = conclude(&session.watch, settings);
    mp_session_release(&session);
    return code;
}

int mp_run_program(struct mp_run_settings *settings, int count, char **program)
{
    struct mp_capture_file file;
    struct plan plan;
    if (mp_capture_file_open(&file, settings->output, settings->force)) {
        mp_capture_file_release(&file);
        return MP_EXIT_FAILURE;
    }
    int code = plan_run(&plan, settings, count, program, file.path);
    if (!code) {
        mp_session_announce(settings);
        puts("running new process");
        if (plan.interpreter)
            printf("running as a Python program...\nmprof: interpreter %s\n",
                   plan.interpreter);
        fflush(stdout);
        code = run_planned(settings, &plan, &file);
    }
    release_plan(&plan);
    mp_capture_file_release(&file);
    return code;
}
