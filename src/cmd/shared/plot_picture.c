#include "cmd/shared/plot_picture.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/shared/command.h"
#include "cmd/shared/interpreter.h"
#include "cmd/shared/profiles.h"
#include "cmd/shared/run_by_python.h"

/* The figure as a file on a descriptor: no name, no pipe to fill up. */
static int figure_file(const struct mp_figure_run *runs, size_t count,
                       const struct mp_figure_style *style)
{
    int fd = memfd_create("figure", MFD_CLOEXEC);
    FILE *file = fd < 0 ? NULL : fdopen(dup(fd), "w");
    if (!file)
        return -1;
    mp_figure_json(file, runs, count, style);
    if (fclose(file) || lseek(fd, 0, SEEK_SET) < 0)
        return -1;
    return fd;
}

static void become_python(char *python, int figure, const struct mp_plot_target *target)
{
    char *arguments[14], **at = arguments;
    static char isolated[] = "-P", module[] = "memory_profiler.plot", to[] = "--output",
                with[] = "--backend", force[] = "--force", classic[] = "--classic";
    *at++ = python;
    *at++ = isolated; /* not whatever lies in the current directory */
    at = mp_put_start(at, mp_run_by_python());
    *at++ = module;
    if (target->output) {
        *at++ = to;
        *at++ = (char *)target->output;
    }
    if (target->backend) {
        *at++ = with;
        *at++ = (char *)target->backend;
    }
    if (target->force)
        *at++ = force;
    if (target->classic)
        *at++ = classic;
    *at = NULL;
    dup2(figure, STDIN_FILENO);
    execv(python, arguments);
    _exit(MP_EXIT_NOT_EXECUTABLE);
}

int mp_plot_picture(const struct mp_figure_run *runs, size_t count,
                    const struct mp_figure_style *style,
                    const struct mp_plot_target *target)
{
    char *python = mp_interpreter_find();
    if (!python)
        return MP_EXIT_FAILURE;
    int figure = figure_file(runs, count, style), status = 0;
    fflush(stdout);
    pid_t pid = figure < 0 ? -1 : fork();
    if (pid == 0)
        become_python(python, figure, target);
    if (pid < 0 || waitpid(pid, &status, 0) < 0) {
        free(python);
        return mp_fail("cannot start the interpreter: %s", strerror(errno));
    }
    close(figure);
    if (WIFEXITED(status) && WEXITSTATUS(status) == MP_EXIT_NOT_EXECUTABLE)
        mp_fail("cannot execute %s", python);
    free(python);
    return WIFEXITED(status) ? WEXITSTATUS(status) : MP_EXIT_SIGNAL + WTERMSIG(status);
}

static char *find_browser(void)
{
    const char *chosen = secure_getenv("BROWSER");
    if (chosen && *chosen)
        return mp_path_search(chosen, X_OK);
    if (!getenv("DISPLAY") && !getenv("WAYLAND_DISPLAY"))
        return NULL;
    return mp_path_search("xdg-open", X_OK);
}

void mp_plot_open(const char *path)
{
    char *whole = realpath(path, NULL), *browser = find_browser();
    fputs("mprof: ", stdout);
    mp_put_argument(stdout, whole ? whole : path);
    putchar('\n');
    fflush(stdout);
    if (browser && whole && fork() == 0) {
        int nowhere = open("/dev/null", O_RDWR);
        dup2(nowhere, STDIN_FILENO);
        dup2(nowhere, STDOUT_FILENO);
        dup2(nowhere, STDERR_FILENO);
        setsid();
        execl(browser, browser, whole, (char *)NULL);
        _exit(MP_EXIT_NOT_EXECUTABLE);
    }
    free(browser);
    free(whole);
}
