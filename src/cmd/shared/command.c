#include "cmd/shared/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"

const struct mp_command *const *mp_commands;

const struct mp_command *mp_command_find(const char *name)
{
    for (const struct mp_command *const *at = mp_commands; *at; at++)
        if (!strcmp((*at)->name, name))
            return *at;
    return NULL;
}

/* One write: lines of several processes do not mix. */
static void say(const char *format, va_list arguments)
{
    char *text = NULL, *line = NULL;
    size_t size = 0;
    int length = vasprintf(&text, format, arguments);
    FILE *out = length < 0 ? NULL : open_memstream(&line, &size);
    if (out) {
        fputs("mprof: ", out);
        mp_escape_terminal(out, text, (size_t)length, false);
        fputc('\n', out);
        fclose(out);
        fflush(stdout);
        fwrite(line, 1, size, stderr);
        free(line);
    }
    if (length >= 0)
        free(text);
}

int mp_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
    return MP_EXIT_FAILURE;
}

int mp_fail_output(const char *verb, const char *path, const char *kind)
{
    switch (errno) {
    case EEXIST:
        return mp_fail("cannot %s %s: it exists and is not %s; --force replaces it", verb,
                       path, kind);
    case ELOOP:
        return mp_fail("cannot %s %s: it is a symbolic link; --force replaces the link",
                       verb, path);
    case EINVAL:
        return mp_fail("cannot %s %s: not a regular file", verb, path);
    case ENXIO:
        return mp_fail("cannot %s %s: nobody reads from it; start its reader first", verb,
                       path);
    default:
        return mp_fail("cannot %s %s: %s", verb, path, strerror(errno));
    }
}

void mp_note(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
}
