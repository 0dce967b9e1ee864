#include "cmd/shared/interpreter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/shared/command.h"

static bool is_file(const char *path, int mode)
{
    struct stat status;
    return !stat(path, &status) && S_ISREG(status.st_mode) && !access(path, mode);
}

char *mp_path_search(const char *name, int mode)
{
    const char *at = getenv("PATH");
    if (strchr(name, '/') || !at)
        return is_file(name, mode) ? strdup(name) : NULL;
    while (at) {
        size_t length = strcspn(at, ":");
        char *path;
        if (asprintf(&path, "%.*s%s%s", (int)length, at, length ? "/" : "", name) < 0)
            return NULL;
        if (is_file(path, mode))
            return path;
        free(path);
        at = at[length] ? at + length + 1 : NULL;
    }
    return NULL;
}

char *mp_own_path(void)
{
    char *path = realpath("/proc/self/exe", NULL);
    const char *executed = (const char *)getauxval(AT_EXECFN);
    return path || !executed ? path : realpath(executed, NULL);
}

static char *beside_us(void)
{
    char *path = mp_own_path(), *python = NULL;
    if (path &&
        asprintf(&python, "%.*s/python", (int)(strrchr(path, '/') - path), path) < 0)
        python = NULL;
    free(path);
    if (python && is_file(python, X_OK))
        return python;
    free(python);
    return NULL;
}

char *mp_interpreter_find(void)
{
    const char *chosen = secure_getenv("MPROF_PYTHON");
    char *found = chosen && *chosen ? mp_path_search(chosen, X_OK) : beside_us();
    if (chosen && *chosen && !found) {
        mp_fail("MPROF_PYTHON names no program: %s", chosen);
        return NULL;
    }
    if (!found)
        found = mp_path_search("python3", X_OK);
    if (!found)
        mp_fail("no Python interpreter: set MPROF_PYTHON to one");
    return found;
}

bool mp_interpreter_is(const char *program)
{
    const char *name = strrchr(program, '/') ? strrchr(program, '/') + 1 : program;
    if (strncmp(name, "python", 6))
        return false;
    return !name[6 + strspn(name + 6, "0123456789.t")];
}
