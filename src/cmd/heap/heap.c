/* mprof heap: becomes the interpreter that runs a Python program with its heap recorded, or attaches
   to one that runs. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/heap/attach.h"
#include "cmd/heap/attach_open.h"
#include "cmd/heap/launch.h"
#include "cmd/heap/naming.h"
#include "cmd/heap/program.h"
#include "cmd/heap/sample_size.h"
#include "cmd/shared/command.h"
#include "cmd/shared/output_name.h"
#include "cmd/shared/interpreter.h"
#include "cmd/shared/python_command.h"
#include "cmd/shared/run_by_python.h"
#include "cmd/shared/size.h"
#include "record/heap.h"

enum {
    KEY_FORCE = 256,
    KEY_SAMPLE,
    KEY_MAX_FILE,
    KEY_NO_NATIVE,
    KEY_NO_FOLLOW,
    KEY_NO_SOURCE,
    KEY_TYPES,
    KEY_NO_TYPES,
    KEY_MAX,
    KEY_KILL,
    KEY_ATTACH,
    KEY_EXACT,
    KEY_DURATION,
    KEY_CHILDREN,
    KEY_ONLY,
    KEY_EXCEPT,
    KEY_MOST_CHILDREN,
    ATTACHED_SAMPLE = 512 << 10, /* bytes, where nothing was said of it */
    LEAST_DESCRIPTORS = 8,
    LEAST_FILE = MP_HEAP_CHUNKS_LEAST * MP_HEAP_CHUNK,
    MOST_FILE = MP_HEAP_CHUNKS * MP_HEAP_CHUNK,
};

struct settings {
    const char *output, *module, *code;
    uint64_t sample, max_file;
    int64_t max, duration;
    uint64_t most_children;
    bool force, no_native, alone, no_source, types, no_types, has_max, kill;
    bool attach, exact, children; /* as the duration, of a process that runs */
};

static const struct mp_option options[] = {
    {'o', "output", "FILE",
     "record into FILE (default: mprofheap_<time>.mprof); %h in it is the host, %p the pid, %r the rank of MPI or "
     "Slurm; FOLDER/: of a program that is not Python's (default, of mpirun and its like: mprofheap_<time>/)",
     NULL},
    {'m', "module", "MODULE", "run a module, as python -m does", NULL},
    {'c', "command", "CODE", "run code, as python -c does", NULL},
    {KEY_SAMPLE, "sample", "BYTES",
     "record one block in so many bytes (512K, 1M), for production: figures are estimates",
     NULL},
    {KEY_MAX_FILE, "max-file", "BYTES",
     "how large a file may grow (default: 256M), for programs with very many call stacks",
     NULL},
    {KEY_NO_NATIVE, "no-native", NULL, "Python's allocators alone, not malloc and mmap",
     NULL},
    {KEY_NO_FOLLOW, "no-follow", NULL, "do not record the processes that it starts", NULL},
    {KEY_ONLY, "only", "PATTERN",
     "of the processes that it starts record those whose command line has PATTERN in it: 'worker', '-m app*'; may be "
     "repeated; also MPROF_WHO=PATTERN:!PATTERN",
     NULL},
    {KEY_EXCEPT, "except", "PATTERN",
     "do not record those whose command line has PATTERN; may be repeated", NULL},
    {KEY_MOST_CHILDREN, "max-children", "N",
     "keep the captures of so many (default: 512), at most 65536", NULL},
    {KEY_NO_SOURCE, "no-source", NULL, "leave the text of source lines out of the file",
     NULL},
    {KEY_TYPES, "types", NULL,
     "count what the live blocks are: near the peak, at marks and when the program ends, for 'mprof table --by "
     "type', and who holds them when it ends, for 'mprof objects' (default: types at the end alone, where it takes "
     "less than a fifth of a second)",
     NULL},
    {KEY_NO_TYPES, "no-types", NULL, "do not count what the blocks are", NULL},
    {KEY_MAX, "max", "SIZE",
     "exit with 1 where the program and its children hold more than SIZE at once: 500M",
     NULL},
    {KEY_KILL, "kill", NULL,
     "kill it as soon as it holds more than --max itself, without its children", NULL},
    {KEY_ATTACH, "attach", NULL,
     "what is named is a process, also where a script has that number", NULL},
    {KEY_EXACT, "exact", NULL, "of a process: every block, not one in 512K", NULL},
    {KEY_DURATION, "duration", "TIME",
     "of a process: detach after 90s, 10m or 2h, as long as this mprof runs", NULL},
    {KEY_CHILDREN, "children", NULL,
     "of a process: record those that it starts from now on, too", NULL},
    {KEY_FORCE, "force", NULL, "replace an existing FILE that is no capture", NULL},
    {0},
};

/* As python/memory_profiler/_heap/folder.py reads it. */
static const char *take_who(const char *pattern, bool not )
{
    const char *before = getenv("MPROF_WHO");
    char *all;
    if (!*pattern || strpbrk(pattern, ":\n"))
        return "not a pattern: it is empty, or has a colon in it, for which * can stand";
    if (asprintf(&all, "%s%s%s%s", before ? before : "", before ? ":" : "", not ? "!" : "",
                 pattern) < 0)
        return "out of memory";
    setenv("MPROF_WHO", all, 1);
    free(all);
    return NULL;
}

static const char *take(void *to, int key, const char *value)
{
    struct settings *settings = to;
    settings->force |= key == KEY_FORCE;
    settings->no_native |= key == KEY_NO_NATIVE;
    settings->alone |= key == KEY_NO_FOLLOW;
    settings->no_source |= key == KEY_NO_SOURCE;
    settings->types |= key == KEY_TYPES;
    settings->no_types |= key == KEY_NO_TYPES;
    settings->has_max |= key == KEY_MAX;
    settings->kill |= key == KEY_KILL;
    settings->attach |= key == KEY_ATTACH;
    settings->exact |= key == KEY_EXACT;
    settings->children |= key == KEY_CHILDREN;
    if (key == 'o')
        settings->output = value;
    if (key == 'm')
        settings->module = value;
    if (key == 'c')
        settings->code = value;
    if (key == KEY_SAMPLE && !(settings->sample = mp_sample_size(value)))
        return "not a number of bytes from 1 to 1024G, such as 4096, 512K or 1M";
    if (key == KEY_MAX_FILE) {
        settings->max_file = mp_sample_size(value);
        if (settings->max_file < LEAST_FILE || settings->max_file > MOST_FILE)
            return "not a number of bytes from 1M to 512M";
    }
    if (key == KEY_DURATION && (settings->duration = mp_attach_duration(value)) < 0)
        return "not a time, such as 90s, 10m or 2h";
    if (key == KEY_ONLY || key == KEY_EXCEPT)
        return take_who(value, key == KEY_EXCEPT);
    if (key == KEY_MOST_CHILDREN) {
        char *end;
        settings->most_children = strtoull(value, &end, 10);
        if (*end || !settings->most_children ||
            settings->most_children > MP_HEAP_CHILDREN_MOST)
            return "not a number from 1 to 65536";
    }
    if (key == KEY_MAX && (settings->max = mp_size_parse(value)) < 0)
        return MP_SIZE_PROBLEM;
    return NULL;
}

/* What the runner in the interpreter is told beside its arguments; it removes it. */
static int tell_options(const struct settings *settings)
{
    char options[200];
    snprintf(options, sizeof options,
             "children=%" PRIu64 ",native=%d,sample=%" PRIu64 ",max_file=%" PRIu64
             ",sources=%d,max=%" PRId64 ",kill=%d,types=%d",
             settings->most_children, settings->no_native ? 0 : 2, settings->sample,
             settings->max_file, !settings->no_source,
             settings->has_max ? settings->max : -1, settings->kill,
             settings->no_types ? 2 : settings->types);
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

/* As python/memory_profiler/_heap/children.py reads it. Of a run around us it must not know. */
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
    static char module[] = "memory_profiler._heap_run";
    char *runner[5], **at = runner, *starter = mp_run_by_python();
    at = mp_put_start(at, starter);
    *at++ = module;
    *at++ = path;
    *at = NULL;
    char **line = mp_python_command(interpreter, runner, &program);
    int code = MP_EXIT_PROFILER;
    if (line)
        code = settings->output ? mp_heap_make_room(path, settings->force) : 0;
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
    free(starter);
    free(line);
    free(interpreter);
    return code;
}

/* The recorder keeps two, and opens two more now and then: the program is to have some as well. */
static bool has_descriptors(void)
{
    int taken[LEAST_DESCRIPTORS], count = 0;
    while (count < LEAST_DESCRIPTORS &&
           (taken[count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        count++;
    bool enough = count == LEAST_DESCRIPTORS;
    while (count)
        close(taken[--count]);
    return enough;
}

/* What no recording can do without. Returns 0, or the exit code. */
static int check_system(void)
{
    if (access("/proc/self/maps", R_OK))
        mp_fail("heap: cannot read /proc: is it mounted?");
    else if (!has_descriptors())
        mp_fail("heap: too few files may be open: raise the limit (ulimit -n)");
    else
        return 0;
    return MP_EXIT_PROFILER;
}

static bool is_process(const struct settings *settings, const char *operand)
{
    return settings->attach ||
           (!settings->module && !settings->code && mp_heap_program_is_process(operand));
}

static int attach(const struct settings *settings, int count, char **operands)
{
    const char *wrong =
        settings->module || settings->code    ? "takes no program"
        : settings->has_max                   ? "has no --max"
        : settings->alone                     ? "has no --no-follow"
        : settings->exact && settings->sample ? "is either --exact or has a --sample"
        : count != 1 || mp_attach_pid(operands[0]) < 0 ? "takes one process, by its number"
                                                       : NULL;
    if (wrong) {
        mp_fail("heap: attaching to a process %s; see 'mprof help heap'", wrong);
        return MP_EXIT_USAGE;
    }
    struct mp_attach_settings how = {.output = settings->output,
                                     .sample = settings->exact    ? 0
                                               : settings->sample ? settings->sample
                                                                  : ATTACHED_SAMPLE,
                                     .max_file = settings->max_file,
                                     .duration = settings->duration,
                                     .no_native = settings->no_native,
                                     .no_source = settings->no_source,
                                     .children = settings->children,
                                     .force = settings->force};
    return mp_attach_run(&how, operands[0]);
}

/* Each of its processes is the first of its own: what is of a run's first one is not to be had. */
static int launch(const struct settings *settings, const char *folder, char **words)
{
    const char *wrong = settings->has_max                       ? "--max"
                        : settings->alone                       ? "--no-follow"
                        : settings->most_children               ? "--max-children"
                        : settings->types || settings->no_types ? "--types"
                                                                : NULL;
    if (wrong) {
        mp_fail(
            "heap: %s is not for a program that is not Python's, as %s; see 'mprof help heap'",
            wrong, words[0]);
        return MP_EXIT_USAGE;
    }
    struct mp_heap_launch how = {.folder = folder,
                                 .sample = settings->sample,
                                 .max_file = settings->max_file,
                                 .no_native = settings->no_native,
                                 .no_source = settings->no_source};
    return mp_heap_launch(&how, words);
}

static bool is_folder(const char *name)
{
    size_t length = name ? strlen(name) : 0;
    return length && name[length - 1] == '/';
}

static int run(void *from, int count, char **operands)
{
    const struct settings *settings = from;
    char name[64];
    if (settings->attach || (count && is_process(settings, operands[0])))
        return attach(settings, count, operands);
    if (settings->exact || settings->children || settings->duration) {
        mp_fail(
            "heap: --exact, --children and --duration are for a process that runs, by its "
            "number; see 'mprof help heap'");
        return MP_EXIT_USAGE;
    }
    if (!count && !settings->module && !settings->code) {
        mp_fail("heap: no program was named; see 'mprof help heap'");
        return MP_EXIT_USAGE;
    }
    if (settings->kill && !settings->has_max) {
        mp_fail("heap: --kill needs --max");
        return MP_EXIT_USAGE;
    }
    bool script = !settings->module && !settings->code && !mp_interpreter_is(operands[0]);
    bool launches = script && mp_heap_launch_is_other(operands[0]);
    int code = check_system();
    if (!code && launches &&
        !(settings->output ? is_folder(settings->output)
                           : mp_heap_launch_is_launcher(operands[0])))
        code = mp_fail(
            "%s is no Python program: 'mprof heap -o FOLDER/ %s' records those that it "
            "starts; 'mprof run' records the memory of any program over time",
            operands[0], operands[0]);
    if (!code && script && !launches)
        code = mp_heap_program_check(operands[0]);
    if (!code && !settings->output)
        code = mp_heap_default_name(name, sizeof name, launches ? "/" : ".mprof");
    char *output =
        !code && settings->output ? mp_output_name("heap", settings->output) : NULL;
    if (!code && settings->output && !output)
        code = MP_EXIT_USAGE;
    if (!code && launches)
        code = launch(settings, output ? output : name, operands);
    else if (!code)
        code = execute(settings, output ? output : name, count, operands);
    free(output);
    return code;
}

const struct mp_command mp_command_heap = {
    "heap",
    "script.py|python [args...]|pid",
    "run a Python program and record which lines hold its memory, or attach to one",
    "Runs a Python script, a module (-m), code (-c) or a python command line, and records every "
    "block of Python's allocators, of malloc and of mmap by call stack. Python processes that it starts "
    "record theirs beside it, into FILE.PID. Of another program, as mpirun or a shell, the Python "
    "processes that it starts record into FOLDER/. The exit code is the program's; 125 when that is 0 "
    "and the file could not be made large enough. The files are complete at every moment, also "
    "when the program is killed. "
    "A number is a process that runs already, which is stopped for an instant alone: what it "
    "allocates from then on is recorded, one block in 512K unless --sample or --exact says otherwise, "
    "until Ctrl-C, --duration or 'mprof detach PID'.",
    MP_OPERANDS_PROGRAM,
    options,
    take,
    sizeof(struct settings),
    run,
    mp_heap_program_is_process,
};
