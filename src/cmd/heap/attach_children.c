#include "cmd/heap/attach_children.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/held.h"
#include "capture/attach/threads.h"
#include "capture/process/tree.h"
#include "cmd/heap/attach_ask.h"
#include "cmd/heap/attach_open.h"
#include "cmd/heap/attach_refusal.h"
#include "cmd/shared/command.h"
#include "store/heap/request.h"
#include "store/heap/run.h"

enum {
    ROUNDS = 3, /* a child may have one more while it is asked */
    PAUSE = 50000000,
    PAUSES = 200, /* ns; 10 s in all */
    NAMED = 6
};

static bool records(pid_t pid, const struct stat *capture)
{
    struct stat its;
    char *path = pid > 0 ? mp_heap_of_process(pid) : NULL;
    bool does = path && !stat(path, &its) && its.st_dev == capture->st_dev &&
                its.st_ino == capture->st_ino;
    free(path);
    return does;
}

/* Its number in the capture is another's here where it has numbers of its own. 0: it is gone. */
static pid_t writer_of(const struct stat *capture, pid_t known)
{
    pid_t found = records(known, capture) ? known : 0;
    DIR *processes = found ? NULL : opendir("/proc");
    for (struct dirent *entry; processes && !found && (entry = readdir(processes));) {
        pid_t pid = (pid_t)mp_attach_pid(entry->d_name);
        found = records(pid, capture) ? pid : 0;
    }
    if (processes)
        closedir(processes);
    return found;
}

static int add(struct mp_attach_children *children, pid_t pid)
{
    if (mp_array_reserve((void **)&children->pids, &children->room, children->count + 1,
                         sizeof *children->pids))
        return -1;
    children->pids[children->count++] = pid;
    return 0;
}

/* Who has a capture open that nobody closed; 0: nobody any more. */
static pid_t recorder_of(const char *path)
{
    struct stat capture;
    struct mp_heap_owner owner;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool may_run = fd >= 0 && !fstat(fd, &capture) && !mp_heap_run_owner(path, &owner) &&
                   !owner.closed && (mp_held_by_other(fd) || !mp_held_is_known(fd));
    if (fd >= 0)
        close(fd);
    return may_run ? writer_of(&capture, (pid_t)owner.pid) : 0;
}

bool mp_attach_children_record(const char *path)
{
    return recorder_of(path) != 0;
}

int mp_attach_children_find(struct mp_attach_children *children, const char *first)
{
    struct mp_heap_children captures;
    *children = (struct mp_attach_children){0};
    int failed = mp_heap_children_find(&captures, first, 0);
    for (size_t i = 0; i < captures.count && !failed; i++) {
        pid_t pid = recorder_of(captures.paths[i]);
        failed = pid ? add(children, pid) : 0;
    }
    mp_heap_children_release(&captures);
    return failed;
}

void mp_attach_children_release(struct mp_attach_children *children)
{
    free(children->pids);
    *children = (struct mp_attach_children){0};
}

static bool is_gone(enum mp_target_problem problem)
{
    return problem == MP_TARGET_NONE || problem == MP_TARGET_ENDED ||
           problem == MP_TARGET_ENDS;
}

/* One that ends by itself meanwhile has closed its capture. */
static int end(pid_t pid, const sigset_t *ends, bool *ended)
{
    struct mp_attach child = {.room = {.folder = -1, .parent = -1}};
    struct mp_attach_answer answer = {0};
    enum mp_target_problem problem = mp_target_open(&child.target, pid);
    if (!problem)
        problem = mp_threads_check(&child.target);
    int code = is_gone(problem) ? 0 : mp_attach_refuse(&child.target, problem);
    if (!problem)
        code = mp_attach_bring(&child);
    if (!problem && !code) {
        struct mp_attach_asked asked = {.folder = child.folder};
        code = mp_attach_ask(&child.room, &child.target, &asked, ends, &answer);
        *ended = !code && !strcmp(answer.lines[0], "ended");
        if (!code && !*ended && strcmp(answer.lines[0], "none") != 0)
            code = mp_attach_fail_answer(&child.target, answer.lines, "its file");
    }
    if (!problem && code && is_gone(mp_target_look_again(&child.target)))
        code = 0;
    free(answer.text);
    mp_attach_release(&child);
    return code;
}

static bool has(const struct mp_attach_children *children, pid_t pid)
{
    bool found = false;
    for (size_t i = 0; i < children->count && !found; i++)
        found = children->pids[i] == pid;
    return found;
}

static int end_all(const struct mp_attach_children *children, const sigset_t *ends,
                   struct mp_attach_children *asked)
{
    int code = 0;
    for (size_t i = 0; i < children->count; i++) {
        bool ended = false;
        if (has(asked, children->pids[i]))
            continue;
        if (add(asked, children->pids[i]))
            return mp_fail("out of memory");
        code |= end(children->pids[i], ends, &ended);
        asked->ended += ended;
    }
    return code;
}

int mp_attach_children_end(const char *first, const sigset_t *ends,
                           struct mp_attach_children *asked)
{
    size_t before = asked->count + 1;
    int code = 0;
    for (int i = 0; i < ROUNDS && asked->count != before; i++) {
        struct mp_attach_children children;
        before = asked->count;
        if (mp_attach_children_find(&children, first))
            code = mp_fail("cannot see what records beside %s: %s", first, strerror(errno));
        else
            code |= end_all(&children, ends, asked);
        mp_attach_children_release(&children);
    }
    return code;
}

void mp_attach_children_wait(const char *first)
{
    bool some = true;
    for (int i = 0; i < PAUSES && some; i++) {
        struct mp_attach_children children;
        some = !mp_attach_children_find(&children, first) && children.count;
        mp_attach_children_release(&children);
        if (some)
            nanosleep(&(struct timespec){.tv_nsec = PAUSE}, NULL);
    }
}

static bool is_unrecorded(pid_t pid)
{
    struct mp_target target;
    bool is_python = !mp_target_open(&target, pid);
    mp_target_release(&target);
    char *path = is_python ? mp_heap_of_process(pid) : NULL;
    free(path);
    return is_python && !path;
}

bool mp_attach_children_unrecorded(pid_t pid, char *text, size_t size)
{
    struct mp_tree tree = {0};
    char numbers[80] = "";
    size_t count = 0, length = 0;
    int failed = mp_tree_list(&tree, pid);
    for (size_t i = 0; i < tree.count && !failed; i++) {
        if (!is_unrecorded(tree.pids[i]))
            continue;
        if (count++ < NAMED)
            length += (size_t)snprintf(numbers + length, sizeof numbers - length, "%s%d",
                                       length ? ", " : "", (int)tree.pids[i]);
    }
    mp_tree_release(&tree);
    snprintf(text, size,
             "%zu Python process%s that it started before %s not recorded: %s%s", count,
             count > 1 ? "es" : "", count > 1 ? "are" : "is", numbers,
             count > NAMED ? "..." : "");
    return count;
}

void mp_attach_children_say(size_t ended)
{
    if (ended)
        mp_note("detached from %zu process%s that it started, too", ended,
                ended > 1 ? "es" : "");
}
