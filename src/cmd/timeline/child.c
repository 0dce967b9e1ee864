#include "cmd/timeline/child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/shared/command.h"

/* Groups before the user: afterwards there is no right left to change them. */
static int give_up_root(const char *user)
{
    const struct passwd *entry = getpwnam(user);
    if (!entry) {
        errno = EINVAL;
        return -1;
    }
    return initgroups(user, entry->pw_gid) ||
                   setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) ||
                   setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid)
               ? -1
               : 0;
}

static void become(char **program, const struct mp_run_notice *notice,
                   const struct mp_child_inheritance *inheritance, int go, int news)
{
    static char variable[64 + 2 * 4096];
    struct mp_run_notice ours = *notice;
    char byte;
    ours.pid = getpid();
    if (mp_run_notice_write(&ours, variable, sizeof variable) > 0)
        putenv(variable);
    else
        unsetenv("MPROF_RUN"); /* of an mprof around us */
    if (inheritance->descriptors.rlim_cur)
        setrlimit(RLIMIT_NOFILE, &inheritance->descriptors);
    mp_signals_restore(&inheritance->signals);
    if (read(go, &byte, 1) != 1)
        errno = ECANCELED; /* mprof died before it let us run */
    else if (!inheritance->user || !give_up_root(inheritance->user))
        execvp(program[0], program);
    int why = errno;
    if (write(news, &why, sizeof why) < 0)
        _exit(MP_EXIT_PROFILER);
    _exit(why == ENOENT ? MP_EXIT_NOT_FOUND : MP_EXIT_NOT_EXECUTABLE);
}

int mp_child_start(struct mp_child *child, char **program,
                   const struct mp_run_notice *notice,
                   const struct mp_child_inheritance *inheritance)
{
    int go[2], news[2];
    if (pipe2(go, O_CLOEXEC))
        return -1;
    if (pipe2(news, O_CLOEXEC)) {
        close(go[0]);
        close(go[1]);
        return -1;
    }
    child->pid = fork();
    if (child->pid == 0) {
        close(go[1]);
        become(program, notice, inheritance, go[0], news[1]);
    }
    int kept = errno;
    close(go[0]);
    close(news[1]);
    child->go = go[1];
    child->news = news[0];
    if (child->pid < 0) {
        close(go[1]);
        close(news[0]);
    }
    errno = kept;
    return child->pid < 0 ? -1 : 0;
}

int mp_child_go(struct mp_child *child)
{
    int why = 0;
    ssize_t length;
    if (write(child->go, "", 1) != 1)
        why = errno;
    close(child->go);
    do
        length = read(child->news, &why, sizeof why);
    while (length < 0 && errno == EINTR);
    close(child->news);
    if (length == sizeof why)
        waitpid(child->pid, NULL, 0);
    return length == sizeof why ? why : 0;
}

void mp_child_cancel(struct mp_child *child)
{
    close(child->go);
    close(child->news);
    waitpid(child->pid, NULL, 0);
}
