#include "base/walk.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 8 };

static int by_version(const struct dirent **left, const struct dirent **right)
{
    return strverscmp((*left)->d_name, (*right)->d_name);
}

static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int walk(const char *folder, mp_walk_file *file, void *with, int depth);

static int walk_entry(const char *path, mp_walk_file *file, void *with, int depth)
{
    struct stat status;
    if (lstat(path, &status))
        return 0; /* it is gone */
    if (S_ISDIR(status.st_mode))
        return depth < DEEPEST ? walk(path, file, with, depth + 1) : 0;
    return file(with, path, &status);
}

static int walk(const char *folder, mp_walk_file *file, void *with, int depth)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, is_shown, by_version), failed = 0;
    size_t length = strlen(folder);
    if (count < 0)
        return depth ? 0 : -1;
    for (int i = 0; i < count; i++) {
        char *name = NULL;
        if (!failed)
            failed = asprintf(&name, "%s%s%s", folder,
                              length && folder[length - 1] == '/' ? "" : "/",
                              entries[i]->d_name) < 0;
        if (!failed) {
            failed = walk_entry(name, file, with, depth);
            free(name);
        }
        free(entries[i]);
    }
    free(entries);
    return failed ? -1 : 0;
}

int mp_walk(const char *folder, mp_walk_file *file, void *with)
{
    return walk(folder, file, with, 0);
}
