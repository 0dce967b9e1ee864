#include "cmd/heap/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/heap/program.h"
#include "cmd/shared/command.h"
#include "cmd/shared/interpreter.h"

/* "#!/bin/sh"; python, pypy and what env calls so are Python's. */
static bool is_other_script(const char *path)
{
    char line[256] = "";
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : pread(fd, line, sizeof line - 1, 0);
    if (fd >= 0)
        close(fd);
    if (length < 2 || memcmp(line, "#!", 2) != 0)
        return false;
    line[strcspn(line, "\n")] = 0;
    return !strstr(line, "python") && !strstr(line, "pypy");
}

bool mp_heap_launch_is_other(const char *command)
{
    bool here = strchr(command, '/') || !access(command, F_OK);
    char *path = here ? strdup(command) : mp_path_search(command, X_OK);
    bool other = path && (mp_heap_program_is_native(path) || is_other_script(path));
    free(path);
    return other;
}

bool mp_heap_launch_is_launcher(const char *command)
{
    static const char *const launchers[] = {
        "aprun",   "jsrun",   "mpiexec", "mpiexec.hydra", "mpirun",
        "orterun", "prterun", "prun",    "spark-submit",  "srun"};
    const char *name = strrchr(command, '/');
    name = name ? name + 1 : command;
    for (size_t i = 0; i < sizeof launchers / sizeof *launchers; i++)
        if (!strcmp(name, launchers[i]))
            return true;
    return false;
}

/* As python/memory_profiler/_heap/folder.py reads it. Negative without memory. */
static int put_notice(char **notice, const struct mp_heap_launch *how, const char *folder)
{
    uint64_t run = 0;
    char sample[40] = "", max_file[40] = "";
    while (!run)
        if (getrandom(&run, sizeof run, 0) != sizeof run)
            return -1;
    if (how->sample)
        snprintf(sample, sizeof sample, ",sample=%" PRIu64, how->sample);
    if (how->max_file)
        snprintf(max_file, sizeof max_file, ",max_file=%" PRIu64, how->max_file);
    return asprintf(notice, "1:%" PRIx64 "%s%s%s%s:%s/", run, sample, max_file,
                    how->no_native ? ",native=0" : "", how->no_source ? ",sources=0" : "",
                    folder);
}

/* What it starts may change folders: its name from the root on; NULL, and why was said. */
static char *make_folder(const char *name)
{
    if (mkdir(name, 0700) && errno != EEXIST) {
        mp_fail("cannot make the folder %s: %s", name, strerror(errno));
        return NULL;
    }
    char *folder = realpath(name, NULL);
    if (!folder)
        mp_fail("cannot record into %s: %s", name, strerror(errno));
    return folder;
}

int mp_heap_launch(const struct mp_heap_launch *how, char **words)
{
    char *notice = NULL, *folder = make_folder(how->folder);
    if (!folder)
        return MP_EXIT_PROFILER;
    int length = put_notice(&notice, how, folder);
    free(folder);
    if (length < 0 || setenv("MPROF_HEAP", notice, 1))
        return mp_fail("out of memory");
    free(notice);
    mp_note(
        "recording the Python processes that %s starts into %s; 'mprof report %s' reads them",
        words[0], how->folder, how->folder);
    fflush(stdout);
    execvp(words[0], words);
    int why = errno;
    mp_fail("cannot execute %s: %s", words[0], strerror(why));
    return why == ENOENT ? MP_EXIT_NOT_FOUND : MP_EXIT_NOT_EXECUTABLE;
}
