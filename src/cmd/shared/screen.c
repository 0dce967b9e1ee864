#include "cmd/shared/screen.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool mp_screen_is_utf8(void)
{
    setlocale(LC_CTYPE, "");
    return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

const char mp_colour_words[] = "auto always never";

int mp_screen_width(void)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    int width = columns ? atoi(columns) : 0;
    if (width <= 0 && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
        width = size.ws_col;
    return width > 0 ? width : 0;
}

int mp_screen_rows(void)
{
    struct winsize size;
    const char *lines = getenv("LINES");
    int rows = lines ? atoi(lines) : 0;
    if (rows <= 0 && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
        rows = size.ws_row;
    return rows > 0 ? rows : 0;
}

bool mp_screen_is_terminal(void)
{
    const char *kind = getenv("TERM");
    return isatty(STDOUT_FILENO) && kind && *kind && strcmp(kind, "dumb") != 0;
}

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

bool mp_screen_is_coloured(enum mp_colour when)
{
    const char *force = getenv("CLICOLOR_FORCE");
    bool forced = force && *force && strcmp(force, "0") != 0;
    if (when != MP_COLOUR_AUTO)
        return when == MP_COLOUR_ALWAYS;
    return !is_set("NO_COLOR") && (forced || mp_screen_is_terminal());
}
