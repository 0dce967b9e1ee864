/* mprof snapshot: a copy of a recording that goes on. */
#include "cmd/heap/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/output.h"
#include "cmd/heap/choice.h"
#include "cmd/heap/snapshot_types.h"
#include "cmd/shared/command.h"
#include "store/heap/copy.h"
#include "store/heap/request.h"
#include "store/heap/run.h"

enum { KEY_ALONE = 256, KEY_TYPES, WHY = 512, MOST_IN_ONE_SECOND = 1000 };

struct settings {
    const char *output;
    bool alone, types;
};

static const struct mp_option options[] = {
    {'o', "output", "FILE", "write the copy to FILE (default: mprofheap_<time>.mprof)",
     NULL},
    {KEY_TYPES, "types", NULL,
     "have what the blocks are counted first: the program stands for some 25 ns a block",
     NULL},
    {KEY_ALONE, "no-children", NULL, "copy the first process's alone", NULL},
    {0},
};

static const char *take(void *to, int key, const char *value)
{
    struct settings *settings = to;
    if (key == 'o')
        settings->output = value;
    settings->alone |= key == KEY_ALONE;
    settings->types |= key == KEY_TYPES;
    return NULL;
}

char *mp_heap_snapshot_name(void)
{
    char stamp[32] = "", *name = NULL;
    struct stat status;
    time_t now = time(NULL);
    strftime(stamp, sizeof stamp, "%Y%m%d%H%M%S", localtime(&now));
    for (int i = 0; i < MOST_IN_ONE_SECOND; i++) {
        char suffix[16] = "";
        if (i)
            snprintf(suffix, sizeof suffix, "-%d", i);
        if (asprintf(&name, "mprofheap_%s%s.mprof", stamp, suffix) < 0)
            return NULL;
        if (lstat(name, &status))
            break;
        free(name);
        name = NULL;
    }
    return name;
}

static bool replaces_nothing(int fd)
{
    (void)fd;
    return false;
}

static const char *reason(enum mp_heap_problem problem)
{
    switch (problem) {
    case MP_HEAP_FOREIGN:
        return "it is no heap capture";
    case MP_HEAP_FUTURE:
        return "it is recorded by another version, whose copy would not be whole";
    case MP_HEAP_DAMAGED:
        return "it is damaged";
    default:
        return strerror(errno);
    }
}

/* 0, or -1 and why. */
static int copy_one(const char *path, const char *to, char *why, size_t room)
{
    struct stat status;
    struct mp_output output;
    int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (from < 0 || fstat(from, &status) || !S_ISREG(status.st_mode)) {
        snprintf(why, room, "cannot copy %s: %s", path,
                 from < 0 ? strerror(errno) : "not a regular file");
        if (from >= 0)
            close(from);
        return -1;
    }
    int failed = mp_output_begin(&output, to, MP_OUTPUT_PRIVATE, replaces_nothing);
    if (failed) {
        snprintf(why, room, "cannot write %s: %s", to,
                 errno == EINVAL ? "not a regular file" : strerror(errno));
        close(from);
        return -1;
    }
    enum mp_heap_problem problem = mp_heap_copy(from, output.fd);
    if (problem)
        snprintf(why, room, "cannot copy %s to %s: %s", path, to, reason(problem));
    else if (mp_output_commit(&output))
        snprintf(why, room, "cannot write %s: %s", to, strerror(errno));
    else
        failed = 1;
    mp_output_release(&output);
    close(from);
    return failed ? 0 : -1;
}

size_t mp_heap_snapshot(const char *path, const char *to, bool alone, char *why,
                        size_t room)
{
    struct mp_heap_children children = {0};
    size_t copied = 0, first = strlen(path);
    *why = 0;
    if (copy_one(path, to, why, room))
        return 0;
    copied++;
    if (!alone && !mp_heap_is_childs(path) &&
        !mp_heap_children_find(&children, path, MP_HEAP_CHILDREN))
        for (size_t i = 0; i < children.count && copied; i++) {
            char *name = NULL;
            if (asprintf(&name, "%s%s", to, children.paths[i] + first) < 0)
                break;
            copied = copy_one(children.paths[i], name, why, room) ? 0 : copied + 1;
            free(name);
        }
    mp_heap_children_release(&children);
    return copied;
}

static int run(void *from, int count, char **operands)
{
    const struct settings *settings = from;
    int64_t pid;
    char why[WHY], *path = mp_heap_choose_recorded(count ? operands[0] : NULL, &pid);
    char *to = settings->output ? strdup(settings->output) : mp_heap_snapshot_name();
    int code = MP_EXIT_FAILURE;
    if (path && !to)
        mp_fail("no name is free for the copy: say one with -o");
    else if (path) {
        int counted = settings->types ? mp_heap_count_types(path, settings->alone) : 0;
        size_t copied = mp_heap_snapshot(path, to, settings->alone, why, sizeof why);
        code = copied ? counted : mp_fail("%s", why);
        if (copied > 1)
            mp_note("%s: a copy of %zu processes; 'mprof report' reads it", to, copied);
        else if (copied)
            mp_note("%s: a copy of %s; 'mprof report' reads it", to, path);
    }
    free(path);
    free(to);
    return code;
}

const struct mp_command mp_command_snapshot = {
    "snapshot",
    "[file|pid]",
    "copy a heap capture while it is recorded",
    "Copies the heap capture of a program that runs, named by its file or its process (the newest here when neither "
    "is given), as if its recording had been stopped at this moment; the recording goes on. The captures of its children are "
    "copied beside it. Nothing that is there is replaced.",
    MP_OPERANDS_WORD,
    options,
    take,
    sizeof(struct settings),
    run,
};
