/* mprof run and mprof attach: their options. */
#include <errno.h>
#include <math.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/shared/command.h"
#include "cmd/shared/output_name.h"
#include "cmd/shared/size.h"
#include "cmd/timeline/settings.h"
#include "record/timeline.h"

enum {
    KEY_PYTHON = 256,
    KEY_NOPYTHON,
    KEY_BACKEND,
    KEY_CGROUP,
    KEY_CPU,
    KEY_NO_RESET,
    KEY_FORCE,
    KEY_USER,
    KEY_MAX,
    KEY_KILL,
    KEY_HEAP /* which main() sees first */
};
#define SHORTEST_INTERVAL (MP_SECOND / 10000)
#define BACKENDS "psutil psutil_pss psutil_uss posix"

#define SAMPLING_OPTIONS                                                                         \
    {'T', "interval", "SECONDS",                                                                 \
     "time between two samples, 0.1 unless given; down to 0.0001", NULL},                        \
        {'C', "include-children", NULL, "add up the memory of the whole process tree",           \
         NULL},                                                                                  \
        {'M', "multiprocess", NULL, "record every child as a line of its own", NULL},            \
        {'E', "exit-code", NULL, "exit as the program did; 128+n when signal n killed it",       \
         NULL},                                                                                  \
        {'t', "timeout", "SECONDS",                                                              \
         "stop recording after so long (attach: 3600 unless given; 0: never)", NULL},            \
        {'o', "output", "FILE",                                                                  \
         "record into FILE; an earlier recording there becomes FILE.old. %h in it is the host, " \
         "%p the pid of mprof, %r the rank of MPI or Slurm",                                     \
         NULL},                                                                                  \
        {KEY_BACKEND, "backend", "NAME",                                                         \
         "what to measure: psutil and posix are RSS, psutil_pss PSS, psutil_uss USS",            \
         BACKENDS},                                                                              \
        {KEY_CGROUP, "cgroup", NULL, "record the control group's memory and limit too",          \
         NULL},                                                                                  \
        {KEY_CPU, "cpu", NULL, "record CPU percent too: 100 is one CPU, kept busy", NULL},       \
    {                                                                                            \
        KEY_FORCE, "force", NULL, "replace whatever file is in the way of the output",           \
            NULL                                                                                 \
    }

static const struct mp_option run_options[] = {
    SAMPLING_OPTIONS,
    {'m', "module", "MODULE", "run a module, as python -m does, and record its functions",
     NULL},
    {KEY_PYTHON, "python", NULL,
     "the program is a Python script, module or interpreter: record its functions", NULL},
    {KEY_NOPYTHON, "nopython", NULL, "run Python as any other program: no functions", NULL},
    {'a', "attach", NULL, "watch a running process, given by number or name", NULL},
    {KEY_USER, "user", "NAME",
     "give up root: the program runs as this user, with nothing of ours but the environment",
     NULL},
    {KEY_NO_RESET, "no-peak-reset", NULL,
     "leave the kernel's high-water marks alone; peaks between samples may be missed",
     NULL},
    {KEY_MAX, "max", "SIZE", "exit with 1 where the peak is over SIZE: 500M", NULL},
    {KEY_KILL, "kill", NULL, "kill the program as soon as a sample is over --max", NULL},
    {0},
};

static const struct mp_option attach_options[] = {
    SAMPLING_OPTIONS,
    {KEY_HEAP, "heap", NULL,
     "record its heap by line, as 'mprof heap PID' does and with that one's options", NULL},
    {0},
};

static bool parse_seconds(const char *text, int64_t *nanoseconds)
{
    char *end;
    errno = 0;
    double seconds = strtod(text, &end);
    if (end == text || *end || errno || !isfinite(seconds) || seconds < 0 || seconds > 1e8)
        return false;
    *nanoseconds = (int64_t)(seconds * 1e9 + 0.5);
    return true;
}

static const char *take_backend(struct mp_run_settings *settings, const char *name)
{
    static const struct {
        const char *name;
        enum mp_metric metric;
    } known[] = {{"psutil", MP_RSS},
                 {"posix", MP_RSS},
                 {"psutil_pss", MP_PSS},
                 {"psutil_uss", MP_USS}};
    if (!strcmp(name, "tracemalloc"))
        return "a process cannot be watched from outside with this backend; use python -m "
               "memory_profiler --backend tracemalloc";
    settings->backend = name;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(known[i].name, name)) {
            settings->metric = known[i].metric;
            return NULL;
        }
    return "no such backend (" BACKENDS ")";
}

static const char *take(void *to, int key, const char *value)
{
    struct mp_run_settings *settings = to;
    switch (key) {
    case 'T':
        return parse_seconds(value, &settings->interval) &&
                       settings->interval >= SHORTEST_INTERVAL
                   ? NULL
                   : "an interval is a number of seconds, at least 0.0001";
    case 't':
        settings->user_timeout = true;
        return parse_seconds(value, &settings->timeout)
                   ? NULL
                   : "a timeout is a number of seconds";
    case 'o':
        settings->output = value;
        return *value ? NULL : "the output needs a name";
    case 'm':
        settings->module = value;
        break;
    case KEY_BACKEND:
        return take_backend(settings, value);
    case KEY_USER:
        settings->user = value;
        return getpwnam(value) ? NULL : "no such user";
    case 'C':
        settings->children = true;
        break;
    case 'M':
        settings->each = true;
        break;
    case 'E':
        settings->exit_code = true;
        break;
    case 'a':
        settings->attach = true;
        break;
    case KEY_PYTHON:
        settings->python = true;
        break;
    case KEY_NOPYTHON:
        settings->nopython = true;
        break;
    case KEY_CGROUP:
        settings->group = true;
        break;
    case KEY_CPU:
        settings->cpu = true;
        break;
    case KEY_NO_RESET:
        settings->keep_marks = true;
        break;
    case KEY_FORCE:
        settings->force = true;
        break;
    case KEY_KILL:
        settings->kill = true;
        break;
    case KEY_MAX:
        settings->has_max = true;
        settings->max = mp_size_parse(value);
        return settings->max < 0 ? MP_SIZE_PROBLEM : NULL;
    }
    return NULL;
}

void mp_run_settings_complete(struct mp_run_settings *settings)
{
    if (!settings->interval)
        settings->interval = MP_SECOND / 10;
    if (settings->attach && !settings->user_timeout)
        settings->timeout = 3600 * MP_SECOND;
}

static int record(struct mp_run_settings *settings, int count, char **operands)
{
    const char *command = settings->attach ? "attach" : "run";
    char *output = settings->output ? mp_output_name(command, settings->output) : NULL;
    if (settings->output && !output)
        return MP_EXIT_FAILURE;
    settings->output = output;
    int code = settings->attach ? mp_run_attached(settings, count, operands)
                                : mp_run_program(settings, count, operands);
    free(output);
    return code;
}

static int run(void *from, int count, char **operands)
{
    struct mp_run_settings *settings = from;
    if (!count && settings->attach)
        return mp_fail("attach: no process was named; give its number, as 'mprof attach "
                       "1234', or its name");
    if (settings->module && settings->attach)
        return mp_fail("run: a module is started; attach takes a process");
    if (!count && !settings->module) {
        puts("A program to run must be provided. Use -h for help");
        return MP_EXIT_FAILURE;
    }
    if (settings->kill && (!settings->has_max || settings->attach))
        return mp_fail("run: --kill needs --max, and a program that mprof starts");
    mp_run_settings_complete(settings);
    return record(settings, count, operands);
}

static int attach(void *from, int count, char **operands)
{
    ((struct mp_run_settings *)from)->attach = true;
    return run(from, count, operands);
}

const struct mp_command mp_command_run = {
    "run",
    "program|-m module [arguments...]",
    "run a given command or python file",
    "Runs a program and records its memory over time. A Python script (name ending in .py), a "
    "module (-m) and 'python script.py' whose script has @profile run with function recording; "
    "any other program runs as it is. The recording is a text file, "
    "mprofile_<time>.dat, for 'mprof plot' and 'mprof peak'.",
    MP_OPERANDS_PROGRAM,
    run_options,
    take,
    sizeof(struct mp_run_settings),
    run,
};

const struct mp_command mp_command_attach = {
    "attach",
    "pid|name",
    "alias for 'run --attach': attach to an existing process by pid or name",
    "Records the memory of a process that is already running, until it ends, Ctrl-C or the "
    "timeout.",
    MP_OPERANDS_PROGRAM,
    attach_options,
    take,
    sizeof(struct mp_run_settings),
    attach,
};
