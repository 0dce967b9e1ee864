#include "cmd/shared/pager.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/shared/interpreter.h"
#include "cmd/shared/screen.h"

/* The command; NULL: none is wanted, or there is none. */
static const char *choose(void)
{
    const char *pager = getenv("MPROF_PAGER");
    pager = pager ? pager : getenv("PAGER");
    if (pager)
        return *pager && strcmp(pager, "cat") != 0 ? pager : NULL;
    char *less = mp_path_search("less", X_OK);
    bool found = less != NULL;
    free(less);
    return found ? "less" : NULL;
}

void mp_pager_begin(struct mp_pager *pager)
{
    *pager = (struct mp_pager){-1, -1};
    if (!mp_screen_is_terminal() || mp_screen_rows() <= 0 || !choose())
        return;
    fflush(stdout);
    pager->text = memfd_create("mprof", MFD_CLOEXEC);
    pager->terminal =
        pager->text < 0 ? -1 : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (pager->terminal >= 0 && dup2(pager->text, STDOUT_FILENO) >= 0)
        return;
    if (pager->terminal >= 0)
        close(pager->terminal);
    if (pager->text >= 0)
        close(pager->text);
    *pager = (struct mp_pager){-1, -1};
}

/* Whether there are so many lines. */
static bool has_lines(int text, int wanted)
{
    char bytes[4096];
    ssize_t got;
    int lines = 0;
    for (off_t at = 0; lines < wanted && (got = pread(text, bytes, sizeof bytes, at)) > 0;
         at += got)
        for (ssize_t i = 0; i < got; i++)
            lines += bytes[i] == '\n';
    return lines >= wanted;
}

static void copy(int text)
{
    char bytes[4096];
    ssize_t got;
    for (off_t at = 0; (got = pread(text, bytes, sizeof bytes, at)) > 0; at += got)
        fwrite(bytes, 1, (size_t)got, stdout);
}

/* In the child. The text is its standard input: a pager asks the terminal itself for keys. */
static void exec_pager(const char *command, int text)
{
    if (dup2(text, STDIN_FILENO) < 0)
        _exit(127);
    setenv("LESS", "FRX", false); /* leave when all fits, keep colours and the screen */
    setenv("LV", "-c", false);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

/* Interrupts are the pager's. False: it failed, or looked at none of the text. */
static bool page(const char *command, int text)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, interrupt, quit;
    int status = -1;
    lseek(text, 0, SEEK_SET);
    sigaction(SIGINT, &ignore, &interrupt);
    sigaction(SIGQUIT, &ignore, &quit);
    pid_t child = fork();
    if (!child) {
        sigaction(SIGINT, &interrupt, NULL);
        sigaction(SIGQUIT, &quit, NULL);
        exec_pager(command, text);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    sigaction(SIGINT, &interrupt, NULL);
    sigaction(SIGQUIT, &quit, NULL);
    return child > 0 && !status && lseek(text, 0, SEEK_CUR) > 0;
}

void mp_pager_end(struct mp_pager *pager)
{
    if (pager->text < 0)
        return;
    fflush(stdout);
    dup2(pager->terminal, STDOUT_FILENO);
    close(pager->terminal);
    const char *command = choose();
    if (!command || !has_lines(pager->text, mp_screen_rows()) ||
        !page(command, pager->text))
        copy(pager->text);
    close(pager->text);
}
