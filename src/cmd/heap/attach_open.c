#include "cmd/heap/attach_open.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "capture/attach/threads.h"
#include "cmd/heap/attach_package.h"
#include "cmd/heap/attach_refusal.h"
#include "cmd/shared/command.h"

enum { MOST_DIGITS = 9, DESCRIPTORS = 3, DESCRIPTORS_LOADED = 1, TRIES = 25 };
static const int64_t between_tries = 20000000;

int64_t mp_attach_pid(const char *word)
{
    size_t length = strlen(word);
    bool number = length && strspn(word, "0123456789") == length;
    return number && length <= MOST_DIGITS ? strtoll(word, NULL, 10) : -1;
}

/* Ctrl-C detaches; what the caller ignores, as nohup does, does not. */
static void block_ends(sigset_t *ends)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    sigemptyset(ends);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction now;
        if (!sigaction(signals[i], NULL, &now) && now.sa_handler != SIG_IGN)
            sigaddset(ends, signals[i]);
    }
    sigprocmask(SIG_BLOCK, ends, NULL);
}

/* The limit is one of their numbers: one beyond it takes none of those. */
static long open_files(int proc, long limit)
{
    long count = 0;
    int folder = openat(proc, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = folder < 0 ? NULL : fdopendir(folder);
    if (!entries && folder >= 0)
        close(folder);
    for (struct dirent *entry; entries && (entry = readdir(entries));)
        count += *entry->d_name != '.' && atol(entry->d_name) < limit;
    if (entries)
        closedir(entries);
    return count;
}

/* It reads the request, the package where it is not loaded, and has its capture open: else nothing comes of it, and
   nobody hears why. */
static int refuse_full(const struct mp_target *target, bool begins)
{
    char text[64];
    int needed = begins || !target->python.own_run ? DESCRIPTORS : DESCRIPTORS_LOADED;
    bool known =
        mp_target_line(target->proc, "limits", "Max open files", text, sizeof text);
    long most = known ? strtol(text, NULL, 10) : 0,
         its = most ? open_files(target->proc, most) : 0;
    return most && its + needed > most
               ? mp_fail("process %d has %ld files open of the %ld that it may have: it "
                         "needs %d more",
                         (int)target->pid, its, most, needed)
               : 0;
}

/* One that was just started has yet to load its library and to begin. */
static bool may_be_there_soon(enum mp_target_problem problem)
{
    return problem == MP_TARGET_HIDDEN || problem == MP_TARGET_NO_LIBC ||
           problem == MP_TARGET_STARTS;
}

static enum mp_target_problem open_soon(struct mp_target *target, pid_t pid)
{
    enum mp_target_problem problem = mp_target_open(target, pid);
    for (int i = 0; i < TRIES && may_be_there_soon(problem); i++) {
        nanosleep(&(struct timespec){.tv_nsec = between_tries}, NULL);
        mp_target_release(target);
        problem = mp_target_open(target, pid);
    }
    return problem;
}

int mp_attach_open(struct mp_attach *attach, const char *word, bool begins)
{
    int64_t pid = mp_attach_pid(word);
    *attach = (struct mp_attach){0};
    attach->room.folder = attach->room.parent = -1;
    block_ends(&attach->ends);
    if (pid < 0) {
        attach->target.proc = attach->target.mem = -1;
        return mp_fail("no process %s", word);
    }
    enum mp_target_problem problem = open_soon(&attach->target, (pid_t)pid);
    if (!problem)
        problem = mp_threads_check(&attach->target);
    return problem ? mp_attach_refuse(&attach->target, problem)
                   : refuse_full(&attach->target, begins);
}

int mp_attach_bring(struct mp_attach *attach)
{
    bool its;
    char *here = mp_attach_package_find(&attach->target, &its);
    int code = here ? mp_attach_room_open(&attach->room, &attach->target) : MP_EXIT_FAILURE;
    if (!code)
        attach->folder = mp_attach_package_bring(&attach->room, here, its);
    free(here);
    return code || attach->folder ? code : MP_EXIT_FAILURE;
}

void mp_attach_release(struct mp_attach *attach)
{
    mp_attach_room_close(&attach->room);
    mp_target_release(&attach->target);
    free(attach->folder);
    free(attach->path);
}
