#include "cmd/timeline/decorated.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LARGEST = 4 << 20 };

static bool is_word(char c)
{
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

static bool starts(const char *line, const char *word)
{
    size_t length = strlen(word);
    return !strncmp(line, word, length) && !is_word(line[length]);
}

/* `word` as a whole name somewhere in the line. */
static bool names(const char *line, const char *word)
{
    for (const char *at = line; (at = strstr(at, word)); at++)
        if ((at == line || !is_word(at[-1])) && !is_word(at[strlen(word)]))
            return true;
    return false;
}

static bool imports(const char *line)
{
    return starts(line, "from") || starts(line, "import");
}

/* Some other tool's, or the program's own. */
static bool is_foreign(const char *line)
{
    if (starts(line, "profile")) {
        const char *after = line + strlen("profile");
        after += strspn(after, " \t");
        return (*after == '=' && after[1] != '=') || *after == ':';
    }
    if (starts(line, "def") || starts(line, "class"))
        return starts(line + strcspn(line, " \t") + 1, "profile");
    return imports(line) && names(line, "profile") && !names(line, "memory_profiler");
}

static bool is_decorated(FILE *file)
{
    char *line = NULL;
    size_t room = 0;
    bool ours = false, foreign = false;
    while (!foreign && getline(&line, &room, file) > 0) {
        const char *at = line + strspn(line, " \t");
        ours |= starts(at, "@profile") || (*at != '#' && strstr(at, "profile.timestamp("));
        foreign = is_foreign(at);
    }
    free(line);
    return ours && !foreign;
}

bool mp_script_is_decorated(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    bool fits = fd >= 0 && !fstat(fd, &status) && S_ISREG(status.st_mode) &&
                status.st_size <= LARGEST;
    FILE *file = fits ? fdopen(fd, "r") : NULL;
    if (!file) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    bool decorated = is_decorated(file);
    fclose(file);
    return decorated;
}
