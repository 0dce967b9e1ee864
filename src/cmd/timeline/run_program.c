/* mprof run PROGRAM: what is started, and what is said and returned when it has ended. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/shared/command.h"
#include "cmd/shared/interpreter.h"
#include "cmd/shared/python_command.h"
#include "cmd/shared/run_by_python.h"
#include "cmd/shared/size.h"
#include "cmd/timeline/capture_file.h"
#include "cmd/timeline/child.h"
#include "cmd/timeline/decorated.h"
#include "cmd/timeline/memory_end.h"
#include "cmd/timeline/session.h"
#include "cmd/timeline/settings.h"
#include "cmd/timeline/watch.h"
#include "store/dat/calls.h"

/* The command to execute, and the one to show: owned arrays of borrowed arguments. */
struct plan {
    char **execute, **show;
    size_t shown;
    char *interpreter, *starter; /* owned; NULL for any other program */
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

/* What `python -m memory_profiler` is told: to record functions into the file. */
static void fill_runner(char **at, const struct mp_run_settings *settings, char *path,
                        char *starter)
{
    static char package[] = "memory_profiler.__main__", timestamp[] = "--timestamp",
                output[] = "-o", children[] = "--include-children", backend[] = "--backend";
    at = mp_put_start(at, starter);
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
    *at = NULL;
}

/* The command as the user would type it without us. */
static int show(struct plan *plan, const struct mp_run_settings *settings, int count,
                char **program, bool given)
{
    static char minus_m[] = "-m";
    char **at = plan->show = calloc((size_t)count + 4, sizeof *plan->show);
    if (!at)
        return mp_fail("out of memory");
    *at++ = plan->interpreter;
    if (settings->module) {
        *at++ = minus_m;
        *at++ = (char *)settings->module;
    }
    for (int i = given; i < count; i++)
        *at++ = program[i];
    plan->shown = (size_t)(at - plan->show);
    return 0;
}

/* `mprof run python script.py`: its functions are wanted when it marks some. */
static bool is_decorated(int count, char **program)
{
    const char *script =
        mp_interpreter_is(program[0]) ? mp_python_script(count, program) : NULL;
    return script && mp_script_is_decorated(script);
}

/* Whether the functions of a program are to be recorded. */
static bool is_for_python(const struct mp_run_settings *settings, int count, char **program)
{
    if (settings->python || settings->module)
        return true;
    if (settings->nopython)
        return false;
    return ends_in_py(program[0]) || (!settings->user && is_decorated(count, program));
}

static int check_program(const struct mp_run_settings *settings, int count, char **program,
                         bool given)
{
    const char *script = settings->module ? NULL
                         : given          ? mp_python_script(count, program)
                                          : program[0];
    if (settings->user)
        return mp_fail(
            "functions of another user's process cannot be recorded: the file is "
            "yours alone; use --nopython");
    if (given && !script && mp_python_code(count, program))
        return mp_fail("functions of code given with -c cannot be recorded: save it as a "
                       "script, or use --nopython");
    return script && ends_in_py(script) ? check_script(script) : 0;
}

static int plan_python(struct plan *plan, const struct mp_run_settings *settings, int count,
                       char **program, char *path)
{
    char *runner[12];
    bool given = !settings->module && mp_interpreter_is(program[0]) && count > 1;
    struct mp_python_program what = {(char *)settings->module, NULL, count, program};
    int code = check_program(settings, count, program, given);
    if (code)
        return code;
    plan->interpreter = given ? strdup(program[0]) : mp_interpreter_find();
    if (!plan->interpreter)
        return MP_EXIT_FAILURE;
    if (show(plan, settings, count, program, given))
        return MP_EXIT_FAILURE;
    plan->starter = mp_run_by_python();
    fill_runner(runner, settings, path, plan->starter);
    plan->execute = mp_python_command(plan->interpreter, runner, &what);
    if (!plan->execute)
        return errno == ENOENT ? mp_fail("no program follows %s", program[0])
                               : mp_fail("out of memory");
    return 0;
}

static int plan_run(struct plan *plan, const struct mp_run_settings *settings, int count,
                    char **program, char *path)
{
    *plan = (struct plan){0};
    if (is_for_python(settings, count, program))
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
    free(plan->starter);
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
    bool killed =
        watch->reaped && WIFSIGNALED(watch->status) && WTERMSIG(watch->status) == SIGKILL;
    int64_t most =
        watch->sampler.peak > watch->end.largest ? watch->sampler.peak : watch->end.largest;
    bool told = mp_memory_end_tell(&watch->end, killed, most);
    if (watch->reaped && WIFSIGNALED(watch->status)) {
        code = MP_EXIT_SIGNAL + WTERMSIG(watch->status);
        if (!told)
            mp_note("program was killed by SIG%s", signal_name(WTERMSIG(watch->status)));
    } else if (watch->reaped && WEXITSTATUS(watch->status)) {
        code = WEXITSTATUS(watch->status);
        mp_note("program exited with code %d", code);
    }
    if (watch->signal)
        return MP_EXIT_SIGNAL + watch->signal;
    bool over = settings->has_max &&
                mp_size_check("the program", watch->sampler.peak, settings->max);
    if (!settings->exit_code)
        code = 0;
    if (over && !code)
        return MP_EXIT_FAILURE;
    return !code && watch->writer.error ? MP_EXIT_PROFILER : code;
}

/* What the program could not say itself when it was killed. */
static void tell_lost(const struct mp_calls_lost *lost)
{
    if (lost && lost->records)
        mp_note("not measured: function records: %" PRIu32 " (%s)", lost->records,
                strerror(lost->error));
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
    struct mp_calls_lost *lost =
        plan->interpreter ? mp_calls_lost_make(&notice.lost) : NULL;
    notice.keeper = lost ? getpid() : 0;
    session.inheritance.user = settings->user;
    notice.offset = session.watch.offset;
    if (mp_child_start(&child, plan->execute, &notice, &session.inheritance)) {
        mp_fail("cannot start %s: %s", plan->execute[0], strerror(errno));
        return MP_EXIT_PROFILER;
    }
    session.watch.ours = true;
    mp_memory_end_begin(&session.watch.memory);
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
    tell_lost(lost);
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
