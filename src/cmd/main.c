/* mprof: records and draws the memory of a program over time. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/help.h"

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

int main(int count, char **arguments)
{
    fill_standard_descriptors();
    const struct mp_command *command = count > 1 ? mp_command_find(arguments[1]) : NULL;
    int code = MP_EXIT_FAILURE; /* as the classic does without a command */
    if (command)
        code = mp_command_main(command, count - 1, arguments + 1);
    else if (count > 1 && !strcmp(arguments[1], "--version"))
        mp_help_version(stdout);
    else if (count > 1 && strcmp(arguments[1], "-h") && strcmp(arguments[1], "--help"))
        mp_fail("no command '%s'; bare 'mprof' lists them", arguments[1]),
            code = MP_EXIT_USAGE;
    else
        mp_help_usage(stdout);
    if (count > 1 && !command && *arguments[1] == '-' && code == MP_EXIT_FAILURE)
        code = MP_EXIT_OK; /* asked for, unlike bare `mprof` */
    return finish(code);
}
