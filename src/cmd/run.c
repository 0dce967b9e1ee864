/* mprof run and mprof attach: their options. */
#include <errno.h>
#include <math.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/command.h"
#include "cmd/settings.h"
#include "record/timeline.h"

enum {
    KEY_PYTHON = 256,
    KEY_NOPYTHON,
    KEY_BACKEND,
    KEY_CGROUP,
    KEY_NO_RESET,
    KEY_FORCE,
    KEY_USER
};
#define SHORTEST_INTERVAL (MP_SECOND / 10000)
#define BACKENDS "psutil psutil_pss psutil_uss posix"

#define SAMPLING_OPTIONS                                                                   \
    {'T', "interval", "SECONDS",                                                           \
     "time between two samples, 0.1 unless given; down to 0.0001", NULL},                  \
        {'C', "include-children", NULL, "add up the memory of the whole process tree",     \
         NULL},                                                                            \
        {'M', "multiprocess", NULL, "record every child as a line of its own", NULL},      \
        {'E', "exit-code", NULL, "exit as the program did; 128+n when signal n killed it", \
         NULL},                                                                            \
        {'t', "timeout", "SECONDS",                                                        \
         "stop recording after so long (attach: 3600 unless given)", NULL},                \
        {'o', "output", "FILE",                                                            \
         "record into FILE; an earlier recording there becomes FILE.old", NULL},           \
        {KEY_BACKEND, "backend", "NAME",                                                   \
         "what to measure: psutil and posix are RSS, psutil_pss PSS, psutil_uss USS",      \
         BACKENDS},                                                                        \
        {KEY_CGROUP, "cgroup", NULL, "record the control group's memory and limit too",    \
         NULL},                                                                            \
    {                                                                                      \
        KEY_FORCE, "force", NULL, "replace whatever file is in the way of the output",     \
            NULL                                                                           \
    }

static const struct mp_option run_options[] = {
    SAMPLING_OPTIONS,
    {KEY_PYTHON, "python", NULL,
     "the program is a Python script, module or interpreter: record its functions", NULL},
    {KEY_NOPYTHON, "nopython", NULL, "run a .py file as any other program", NULL},
    {'a', "attach", NULL, "watch a running process, given by number or name", NULL},
    {KEY_USER, "user", "NAME",
     "give up root: the program runs as this user, with nothing of ours but the environment",
     NULL},
    {KEY_NO_RESET, "no-peak-reset", NULL,
     "leave the kernel's high-water marks alone; peaks between samples may be missed",
     NULL},
    {0},
};

static const struct mp_option attach_options[] = {SAMPLING_OPTIONS, {0}};

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
    case KEY_NO_RESET:
        settings->keep_marks = true;
        break;
    case KEY_FORCE:
        settings->force = true;
        break;
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

static int run(void *from, int count, char **operands)
{
    struct mp_run_settings *settings = from;
    if (!count) {
        puts("A program to run must be provided. Use -h for help");
        return MP_EXIT_FAILURE;
    }
    mp_run_settings_complete(settings);
    return settings->attach ? mp_run_attached(settings, count, operands)
                            : mp_run_program(settings, count, operands);
}

static int attach(void *from, int count, char **operands)
{
    ((struct mp_run_settings *)from)->attach = true;
    return run(from, count, operands);
}

const struct mp_command mp_command_run = {
    "run",
    "program [arguments...]",
    "run a given command or python file",
    "Runs a program and records its memory over time. A Python script (name ending in .py) runs "
    "with function recording; any other program runs as it is. The recording is a text file, "
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
