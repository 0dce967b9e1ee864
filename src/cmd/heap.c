/* mprof heap: becomes the interpreter that runs a Python program with its heap recorded. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/heap_program.h"
#include "cmd/interpreter.h"
#include "cmd/python_command.h"
#include "cmd/sample_size.h"
#include "store/heap_read.h"
#include "store/heap_run.h"

enum {
    KEY_FORCE = 256,
    KEY_SAMPLE,
    KEY_NO_NATIVE,
    KEY_NO_FOLLOW,
    MOST_IN_ONE_SECOND = 1000,
};

struct settings {
    const char *output, *module, *code;
    uint64_t sample;
    bool force, no_native, alone;
};

static const struct mp_option options[] = {
    {'o', "output", "FILE", "record into FILE (default: mprofheap_<time>.mprof)", NULL},
    {'m', "module", "MODULE", "run a module, as python -m does", NULL},
    {'c', "command", "CODE", "run code, as python -c does", NULL},
    {KEY_SAMPLE, "sample", "BYTES",
     "record one block in so many bytes (512K, 1M), for production: figures are estimates",
     NULL},
    {KEY_NO_NATIVE, "no-native", NULL, "Python's allocators alone, not malloc and mmap",
     NULL},
    {KEY_NO_FOLLOW, "no-follow", NULL, "do not record the processes that it starts", NULL},
    {KEY_FORCE, "force", NULL, "replace an existing FILE that is no capture", NULL},
    {0},
};

static const char *take(void *to, int key, const char *value)
{
    struct settings *settings = to;
    settings->force |= key == KEY_FORCE;
    settings->no_native |= key == KEY_NO_NATIVE;
    settings->alone |= key == KEY_NO_FOLLOW;
    if (key == 'o')
        settings->output = value;
    if (key == 'm')
        settings->module = value;
    if (key == 'c')
        settings->code = value;
    if (key == KEY_SAMPLE && !(settings->sample = mp_sample_size(value)))
        return "not a number of bytes from 1 to 1024G, such as 4096, 512K or 1M";
    return NULL;
}

/* The captures of a run's children go where its first's goes; NULL: they are removed. */
static int move_children(const char *path, const char *to)
{
    struct mp_heap_children children;
    int code = 0;
    if (mp_heap_children_find(&children, path))
        code = mp_fail("cannot look for the captures of the children of %s: %s", path,
                       strerror(errno));
    for (size_t i = 0; i < children.count && !code; i++) {
        char *from = children.paths[i], *name = NULL;
        if (!to)
            code = unlink(from);
        else
            code =
                asprintf(&name, "%s%s", to, from + strlen(path)) < 0 || rename(from, name);
        free(name);
        if (code)
            code = mp_fail("cannot move %s away: %s", from, strerror(errno));
    }
    mp_heap_children_release(&children);
    return code;
}

static bool is_capture(const char *path)
{
    struct mp_heap_capture capture;
    enum mp_heap_problem problem = mp_heap_read(&capture, path);
    mp_heap_capture_release(&capture);
    return problem == MP_HEAP_OK || problem == MP_HEAP_DAMAGED;
}

/* An earlier capture of ours makes room as FILE.old. Returns 0, or the exit code. */
static int move_away(const char *path)
{
    struct stat status;
    char *old = NULL;
    if (asprintf(&old, "%s.old", path) < 0)
        return mp_fail("out of memory");
    int code = 0;
    if (!lstat(old, &status) && !S_ISREG(status.st_mode))
        code = mp_fail("cannot record into %s: the name for the earlier one, with .old, is "
                       "taken",
                       path);
    else if ((code = move_children(old, NULL)) || (code = move_children(path, old)))
        ; /* it was said */
    else if (rename(path, old))
        code = mp_fail("cannot record into %s: %s", path, strerror(errno));
    else
        mp_note("the earlier capture is now %s", old);
    free(old);
    return code;
}

/* What is at the name now must not be there when the program starts. Whether it starts is not
   known yet: a capture is never removed for it. */
static int make_room(const char *path, bool force)
{
    struct stat status;
    if (lstat(path, &status))
        return errno == ENOENT
                   ? 0
                   : mp_fail("cannot record into %s: %s", path, strerror(errno));
    bool link = S_ISLNK(status.st_mode);
    if (!link && !S_ISREG(status.st_mode))
        return mp_fail("cannot record into %s: not a regular file", path);
    if (!link && is_capture(path))
        return move_away(path);
    if (force && move_children(path, NULL))
        return MP_EXIT_FAILURE;
    if (force)
        return unlink(path) ? mp_fail("cannot replace %s: %s", path, strerror(errno)) : 0;
    if (link)
        return mp_fail(
            "cannot record into %s: it is a symbolic link; --force replaces the link",
            path);
    return mp_fail("cannot record into %s: it exists and is not a heap capture; --force "
                   "replaces it",
                   path);
}

static int default_name(char *path, size_t room)
{
    char stamp[32];
    time_t now = time(NULL);
    struct stat status;
    strftime(stamp, sizeof stamp, "%Y%m%d%H%M%S", localtime(&now));
    for (int i = 0; i < MOST_IN_ONE_SECOND; i++) {
        if (i)
            snprintf(path, room, "mprofheap_%s-%d.mprof", stamp, i);
        else
            snprintf(path, room, "mprofheap_%s.mprof", stamp);
        if (lstat(path, &status))
            return 0;
    }
    return mp_fail("no name is free for this second's captures: use -o");
}

/* What the runner in the interpreter is told beside its arguments; it removes it. */
static int tell_options(const struct settings *settings)
{
    char options[64];
    snprintf(options, sizeof options, "native=%d,sample=%" PRIu64,
             settings->no_native ? 0 : 2, settings->sample);
    return setenv("MPROF_HEAP_OPTIONS", options, 1) ? mp_fail("out of memory") : 0;
}

/* Becomes the interpreter. Returns, with the exit code, only when that failed. */
static int become(char *interpreter, char **line)
{
    fflush(stdout);
    execvp(interpreter, line);
    int why = errno;
    mp_fail("cannot execute %s: %s", interpreter, strerror(why));
    return why == ENOENT ? MP_EXIT_NOT_FOUND : MP_EXIT_NOT_EXECUTABLE;
}

/* As python/memory_profiler/_heap_children.py reads it. Of a run around us it must not know. */
static void tell_children(bool alone)
{
    if (alone)
        setenv("MPROF_HEAP", "off", 1);
    else
        unsetenv("MPROF_HEAP");
}

static int execute(const struct settings *settings, char *path, int count, char **words)
{
    bool given = !settings->module && !settings->code && mp_interpreter_is(words[0]);
    char *interpreter = given ? strdup(words[0]) : mp_interpreter_find();
    if (!interpreter)
        return MP_EXIT_PROFILER;
    struct mp_python_program program = {(char *)settings->module, (char *)settings->code,
                                        count, words};
    char **line =
        mp_python_command(interpreter, "memory_profiler._heap_run", path, &program);
    int code = MP_EXIT_PROFILER;
    if (line)
        code = settings->output ? make_room(path, settings->force) : 0;
    else if (errno == ENOENT) {
        mp_fail("heap: no program follows %s; see 'mprof help heap'", words[0]);
        code = MP_EXIT_USAGE;
    }
    if (!code)
        code = tell_options(settings);
    if (!code) {
        tell_children(settings->alone);
        code = become(interpreter, line);
    }
    free(line);
    free(interpreter);
    return code;
}

static int run(void *from, int count, char **operands)
{
    const struct settings *settings = from;
    char name[64];
    if (!count && !settings->module && !settings->code) {
        mp_fail("heap: no program was named; see 'mprof help heap'");
        return MP_EXIT_USAGE;
    }
    bool script = !settings->module && !settings->code && !mp_interpreter_is(operands[0]);
    int code = script ? mp_heap_program_check(operands[0]) : 0;
    if (!code && !settings->output)
        code = default_name(name, sizeof name);
    if (code)
        return code;
    return execute(settings, settings->output ? (char *)settings->output : name, count,
                   operands);
}

const struct mp_command mp_command_heap = {
    "heap",
    "script.py|python [args...]",
    "run a Python program and record which lines hold its memory",
    "Runs a Python script, a module (-m), code (-c) or a python command line, and records every "
    "block of Python's allocators, of malloc and of mmap by call stack. Python processes that it starts "
    "record theirs beside it, into FILE.PID. The exit code is the program's; 125 when that is 0 "
    "and the file could not be made large enough. The files are complete at every moment, also "
    "when the program is killed.",
    MP_OPERANDS_PROGRAM,
    options,
    take,
    sizeof(struct settings),
    run,
};
