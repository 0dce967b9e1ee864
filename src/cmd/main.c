/* mprof: records and draws the memory of a program over time. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/help.h"
#include "cmd/parse.h"
#include "cmd/suggest.h"

static const struct mp_command *const commands[] = {
    &mp_command_run,
    &mp_command_attach,
    &mp_command_plot,
    &mp_command_peak,
    &mp_command_heap,
    &mp_command_detach,
    &mp_command_top,
    &mp_command_snapshot,
    &mp_command_mark,
    &mp_command_report,
    &mp_command_lines,
    &mp_command_flamegraph,
    &mp_command_table,
    &mp_command_tree,
    &mp_command_stats,
    &mp_command_objects,
    &mp_command_diff,
    &mp_command_leaks,
    &mp_command_merge,
    &mp_command_list,
    &mp_command_export,
    &mp_command_rm,
    &mp_command_clean,
    &mp_command_help,
    NULL,
};

/* A closed standard descriptor must not become one of our files; the program we start finds it
   closed again. */
static void fill_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            open("/dev/null", O_RDWR | O_CLOEXEC); /* takes the lowest number: fd */
}

/* What was printed may be lost only now, or was already. A reader that left needs no telling. */
static int finish(int code)
{
    bool failed = ferror(stdout);
    errno = 0;
    failed |= fflush(stdout) != 0;
    if (!failed || code != MP_EXIT_OK)
        return code;
    if (errno != EPIPE)
        mp_fail("cannot write the output: %s", errno ? strerror(errno) : "it is cut short");
    return MP_EXIT_FAILURE;
}

/* `mprof attach --heap PID` is `mprof heap --attach PID`: the words are changed to that. */
static void route_attach(int count, char **arguments)
{
    static char heap[] = "heap", attach[] = "--attach";
    for (int i = 2; i < count && strcmp(arguments[i], "--") != 0; i++)
        if (!strcmp(arguments[i], "--heap")) {
            memmove(arguments + 3, arguments + 2, (size_t)(i - 2) * sizeof *arguments);
            arguments[1] = heap;
            arguments[2] = attach;
            return;
        }
}

int main(int count, char **arguments)
{
    fill_standard_descriptors();
    mp_commands = commands;
    if (count > 2 && !strcmp(arguments[1], "attach"))
        route_attach(count, arguments);
    const struct mp_command *command = count > 1 ? mp_command_find(arguments[1]) : NULL;
    int code = MP_EXIT_FAILURE; /* as the classic does without a command */
    if (command)
        code = mp_command_main(command, count - 1, arguments + 1);
    else if (count > 1 && !strcmp(arguments[1], "--version"))
        mp_help_version(stdout);
    else if (count > 1 && strcmp(arguments[1], "-h") && strcmp(arguments[1], "--help"))
        code = mp_suggest(arguments[1]);
    else
        mp_help_usage(stdout);
    if (count > 1 && !command && *arguments[1] == '-' && code == MP_EXIT_FAILURE)
        code = MP_EXIT_OK; /* asked for, unlike bare `mprof` */
    return finish(code);
}
