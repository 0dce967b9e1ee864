#include "store/source/roots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"

/* The analyzer loses sight of what is kept in an array. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

const char *mp_source_named_add(struct mp_source_named *named, const char *folder)
{
    struct stat status;
    if (named->count == MP_SOURCE_ROOTS_NAMED)
        return "too many folders";
    if (stat(folder, &status) || !S_ISDIR(status.st_mode))
        return "not a folder";
    named->folders[named->count++] = folder;
    return NULL;
}

static bool holds(const char *folder, const char *path)
{
    size_t length = strlen(folder);
    return !strncmp(path, folder, length) && path[length] == '/';
}

/* Takes `folder`, of malloc(3) or NULL. All there is must have been named. */
static void add(struct mp_source_roots *roots, char *folder, bool named)
{
    bool all = folder && !strcmp(folder, "/");
    if (all)
        *folder = 0;
    if (!folder || (all && !named) || mp_source_roots_hold(roots, folder) ||
        mp_array_reserve((void **)&roots->folders, &roots->room, roots->count + 1,
                         sizeof *roots->folders)) {
        free(folder);
        return;
    }
    roots->folders[roots->count++] = folder;
}

static void cut_name(char *path)
{
    char *slash = strrchr(path, '/');
    slash[slash == path] = 0;
}

static bool is_in_package(const char *folder)
{
    char *init;
    if (asprintf(&init, "%s/__init__.py", folder) < 0)
        return false;
    bool is = !access(init, F_OK);
    free(init);
    return is;
}

/* The folder in which an import would look for a module of this file, or for its package. */
static char *home_of(const char *name)
{
    char *folder = realpath(name, NULL);
    if (!folder)
        return NULL;
    do
        cut_name(folder);
    while (strcmp(folder, "/") != 0 && is_in_package(folder));
    return folder;
}

static char *folder_of_capture(const char *capture)
{
    char *folder = realpath(capture, NULL);
    if (folder)
        cut_name(folder);
    return folder;
}

void mp_source_roots_init(struct mp_source_roots *roots, const char *capture,
                          const struct mp_source_named *named)
{
    *roots = (struct mp_source_roots){0};
    mp_source_roots_add(roots, ".");
    add(roots, folder_of_capture(capture), false);
    for (size_t i = 0; named && i < named->count; i++)
        add(roots, realpath(named->folders[i], NULL), true);
}

void mp_source_roots_add(struct mp_source_roots *roots, const char *folder)
{
    add(roots, realpath(folder, NULL), false);
}

void mp_source_roots_add_program(struct mp_source_roots *roots, const char *file,
                                 size_t length)
{
    char *name = strndup(file, length);
    add(roots, name ? home_of(name) : NULL, false);
    free(name);
}

/* .../lib/python3.12/... and what is installed, wherever that is. */
static bool is_installed(const char *path)
{
    return strstr(path, "/site-packages/") || strstr(path, "/dist-packages/") ||
           strstr(path, "/lib/python3.") || strstr(path, "/lib64/python3.");
}

bool mp_source_roots_hold(const struct mp_source_roots *roots, const char *path)
{
    for (size_t i = 0; i < roots->count; i++)
        if (holds(roots->folders[i], path))
            return true;
    return is_installed(path);
}

void mp_source_roots_release(struct mp_source_roots *roots)
{
    for (size_t i = 0; i < roots->count; i++)
        free(roots->folders[i]);
    free(roots->folders);
    *roots = (struct mp_source_roots){0};
}
