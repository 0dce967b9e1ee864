#include "cmd/heap/program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/shared/command.h"
#include "cmd/shared/interpreter.h"
#include "cmd/shared/write_page.h"

enum { ZIP_END = 22 }; /* bytes of the record that ends a zip file */

static bool is_there(const char *path)
{
    struct stat status;
    return !stat(path, &status) || errno != ENOENT;
}

static bool is_number(const char *word)
{
    return *word && !word[strspn(word, "0123456789")];
}

/* 1234 may be a script or a folder, and the module 1234. */
bool mp_heap_program_is_process(const char *word)
{
    char module[64];
    return is_number(word) && !is_there(word) &&
           snprintf(module, sizeof module, "%s.py", word) < (int)sizeof module &&
           !is_there(module);
}

static bool has(int fd, off_t at, const char *four)
{
    char bytes[4];
    return pread(fd, bytes, sizeof bytes, at) == sizeof bytes &&
           !memcmp(bytes, four, sizeof bytes);
}

/* Python runs a zip file that is appended to an executable. */
bool mp_heap_program_is_native(const char *path)
{
    struct stat status;
    int fd = !stat(path, &status) && S_ISREG(status.st_mode)
                 ? open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
                 : -1;
    if (fd < 0)
        return false;
    bool native = has(fd, 0, "\177ELF") && !has(fd, status.st_size - ZIP_END, "PK\5\6");
    close(fd);
    return native;
}

/* A script without a folder is also looked for as a command is. */
static bool is_missing(const char *word)
{
    if (strchr(word, '/'))
        return !is_there(word);
    if (!mp_has_suffix(word, ".py") || is_there(word))
        return false;
    char *found = mp_path_search(word, F_OK);
    free(found);
    return !found;
}

int mp_heap_program_check(const char *word)
{
    if (!strcmp(word, "-") || !strcmp(word, "/dev/stdin"))
        return mp_fail("a program from stdin cannot be recorded: save it as a script, or "
                       "use -c");
    if (is_missing(word))
        return mp_fail("cannot find the script %s", word);
    return 0;
}
