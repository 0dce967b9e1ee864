#include "cmd/top/attached.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cmd/shared/command.h"
#include "store/heap/request.h"

enum { PAUSE = 20000000 /* ns */ };

/* It detaches when we are gone, however that is. */
static void become_mprof(const struct mp_top_options *options, int said, pid_t parent)
{
    char number[24];
    sigset_t none;
    snprintf(number, sizeof number, "%lld", (long long)options->pid);
    const char *words[7] = {"mprof", "heap", number};
    int count = 3;
    if (options->children)
        words[count++] = "--children";
    if (options->output) {
        words[count++] = "-o";
        words[count] = options->output;
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    bool failed = prctl(PR_SET_PDEATHSIG, SIGINT) || getppid() != parent || nothing < 0 ||
                  dup2(nothing, STDIN_FILENO) < 0 || dup2(nothing, STDOUT_FILENO) < 0 ||
                  dup2(said, STDERR_FILENO) < 0;
    if (!failed)
        execv("/proc/self/exe", (char *const *)words);
    _exit(MP_EXIT_PROFILER);
}

/* What is there; all that comes, where nobody can write any more. */
static void pass_on(int said)
{
    char text[1024];
    ssize_t got;
    while ((got = read(said, text, sizeof text)) > 0)
        fwrite(text, 1, (size_t)got, stderr);
}

static int code_of(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : MP_EXIT_FAILURE;
}

static int finish(struct mp_top_attached *attached, int status)
{
    pass_on(attached->said);
    close(attached->said);
    attached->mprof = 0;
    return code_of(status);
}

/* Until it records, or says why not. */
static int wait_for_capture(struct mp_top_attached *attached, int64_t pid, char **path)
{
    int status;
    while (!(*path = mp_heap_of_process(pid))) {
        if (waitpid(attached->mprof, &status, WNOHANG) > 0) {
            int code = finish(attached, status);
            return code ? code : MP_EXIT_FAILURE;
        }
        nanosleep(&(struct timespec){.tv_nsec = PAUSE}, NULL);
    }
    return 0;
}

int mp_top_attach(struct mp_top_attached *attached, const struct mp_top_options *options,
                  char **path)
{
    int64_t pid = options->pid;
    int ends[2];
    pid_t parent = getpid();
    *path = NULL;
    if (pipe2(ends, O_CLOEXEC))
        return mp_fail("cannot attach to process %lld: %s", (long long)pid,
                       strerror(errno));
    *attached = (struct mp_top_attached){.mprof = fork(), .said = ends[0]};
    if (!attached->mprof)
        become_mprof(options, ends[1], parent);
    close(ends[1]);
    if (attached->mprof < 0) {
        attached->mprof = 0;
        close(ends[0]);
        return mp_fail("cannot attach to process %lld: %s", (long long)pid,
                       strerror(errno));
    }
    return wait_for_capture(attached, pid, path);
}

int mp_top_detach(struct mp_top_attached *attached)
{
    int status = 0;
    if (!attached->mprof)
        return 0;
    kill(attached->mprof, SIGINT);
    while (waitpid(attached->mprof, &status, 0) < 0 && errno == EINTR)
        ;
    return finish(attached, status);
}
