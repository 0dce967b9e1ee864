#include "base/path.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Where the last part of what is written begins, or NULL when ".." goes out of it. */
static char *last_part(char *start, char *end)
{
    char *at = end;
    while (at > start && at[-1] != '/')
        at--;
    bool above = end - at == 2 && at[0] == '.' && at[1] == '.';
    return at == end || above ? NULL : at;
}

char *mp_path_normal(const char *path)
{
    bool whole = *path == '/';
    char *normal = calloc(1, strlen(path) + 2), *start = normal, *to;
    if (!normal)
        return NULL;
    if (whole)
        *start++ = '/';
    to = start;
    while (*path) {
        size_t length = strcspn(path, "/");
        bool up = length == 2 && path[0] == '.' && path[1] == '.';
        char *before = up ? last_part(start, to) : NULL;
        if (before) {
            to = before > start ? before - 1 : start;
        } else if (length && !(length == 1 && *path == '.') && !(up && whole)) {
            if (to > start)
                *to++ = '/';
            memcpy(to, path, length);
            to += length;
        }
        path += length;
        path += strspn(path, "/");
    }
    *to = 0;
    return normal;
}
