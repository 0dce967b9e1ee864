#include "cmd/heap/attach_package.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/shared/command.h"
#include "cmd/shared/interpreter.h"

#define PACKAGE "memory_profiler"
enum { LONGEST_NAMES = 1 << 16, MOST_BYTES = 32 << 20, DEEPEST = 3 };

/* What is looked for: an extension module for this Python. */
struct wanted {
    const struct mp_target *target;
    char start[32]; /* of its name */
    bool musl;
};

static bool has_suffix(const char *name, const char *suffix)
{
    size_t length = strlen(name), its = strlen(suffix);
    return length >= its && !strcmp(name + length - its, suffix);
}

static bool is_module(const struct wanted *wanted, const char *name)
{
    return !strncmp(name, wanted->start, strlen(wanted->start)) &&
           has_suffix(name, ".so") && (strstr(name, "musl") != NULL) == wanted->musl;
}

static bool has_module(const struct wanted *wanted, const char *folder)
{
    char path[4200];
    bool found = false;
    snprintf(path, sizeof path, "%s/" PACKAGE "/_attach/run.py", folder);
    if (access(path, R_OK))
        return false;
    snprintf(path, sizeof path, "%s/" PACKAGE, folder);
    DIR *entries = opendir(path);
    for (struct dirent *entry; entries && !found && (entry = readdir(entries));)
        found = is_module(wanted, entry->d_name);
    if (entries)
        closedir(entries);
    return found;
}

/* Installed by pip it says which version it is. */
static bool is_this_version(const char *folder)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/" PACKAGE "-" MP_VERSION ".dist-info", folder);
    return !access(path, F_OK);
}

/* A folder of the process's root, as we know it; NULL: it has no such package. */
static char *try_its(const struct wanted *wanted, const char *format, int length,
                     const char *prefix)
{
    char inner[4096], *path = NULL;
    snprintf(inner, sizeof inner, format, length, prefix,
             mp_python_minor(&wanted->target->python));
    if (asprintf(&path, "/proc/%d/root%s", (int)wanted->target->pid, inner) < 0)
        return NULL;
    if (has_module(wanted, path) && is_this_version(path))
        return path;
    free(path);
    return NULL;
}

/* Where something of the process's was loaded from. */
static char *find_by_mappings(const struct wanted *wanted)
{
    static const char *const names[] = {"/site-packages/", "/dist-packages/"};
    char *found = NULL;
    for (size_t i = 0; i < wanted->target->mappings.count && !found; i++) {
        const char *path = wanted->target->mappings.items[i].path;
        for (size_t k = 0; k < 2 && !found; k++) {
            const char *at = strstr(path, names[k]);
            if (at)
                found = try_its(wanted, "%.*s",
                                (int)(at - path + (long)strlen(names[k]) - 1), path);
        }
    }
    return found;
}

static char *try_prefix(const struct wanted *wanted, const char *prefix, size_t length)
{
    char *found = try_its(wanted, "%.*s/lib/python3.%d/site-packages", (int)length, prefix);
    if (!found)
        found = try_its(wanted, "%.*s/lib/python3.%d/dist-packages", (int)length, prefix);
    return found ? found
                 : try_its(wanted, "%.*s/lib64/python3.%d/site-packages", (int)length,
                           prefix);
}

/* /app/venv/bin/python: in /app/venv. */
static char *try_program(const struct wanted *wanted, const char *program)
{
    const char *slash = strrchr(program, '/');
    size_t length = slash ? (size_t)(slash - program) : 0;
    while (length && program[length - 1] != '/')
        length--;
    return *program == '/' && length > 1 ? try_prefix(wanted, program, length - 1) : NULL;
}

static char *find_by_words(const struct wanted *wanted)
{
    char *text = calloc(1, LONGEST_NAMES), path[4096], *found = NULL;
    int fd = text ? openat(wanted->target->proc, "cmdline", O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0 && read(fd, text, LONGEST_NAMES - 1) > 0)
        found = try_program(wanted, text);
    if (fd >= 0)
        close(fd);
    fd =
        text && !found ? openat(wanted->target->proc, "environ", O_RDONLY | O_CLOEXEC) : -1;
    ssize_t length = fd < 0 ? 0 : read(fd, text, LONGEST_NAMES - 1);
    if (fd >= 0)
        close(fd);
    text = text ? text : NULL;
    for (ssize_t at = 0; at < length && !found; at += (ssize_t)strlen(text + at) + 1) {
        text[length] = 0;
        if (!strncmp(text + at, "VIRTUAL_ENV=", 12))
            found = try_prefix(wanted, text + at + 12, strlen(text + at + 12));
    }
    length = readlinkat(wanted->target->proc, "exe", path, sizeof path - 1);
    path[length > 0 ? length : 0] = 0;
    if (!found)
        found = try_program(wanted, path);
    free(text);
    return found;
}

static char *try_ours(const struct wanted *wanted, const char *folder)
{
    return has_module(wanted, folder) ? realpath(folder, NULL) : NULL;
}

static char *find_beside_us(const struct wanted *wanted)
{
    static const char *const names[] = {"site-packages", "dist-packages"};
    char *path = mp_own_path(), *found = NULL;
    for (size_t k = 0; path && !found && k < 2; k++) {
        char *pattern = NULL;
        glob_t all = {0};
        const char *slash = strrchr(path, '/');
        if (asprintf(&pattern, "%.*s/../lib/python3*/%s", (int)(slash - path), path,
                     names[k]) < 0)
            break;
        if (!glob(pattern, 0, NULL, &all))
            for (size_t i = 0; i < all.gl_pathc && !found; i++)
                found = try_ours(wanted, all.gl_pathv[i]);
        globfree(&all);
        free(pattern);
    }
    free(path);
    return found;
}

static char *find_by_environment(const struct wanted *wanted)
{
    const char *at = secure_getenv("MPROF_ATTACH_PATH");
    char *found = NULL;
    while (at && *at && !found) {
        size_t length = strcspn(at, ":");
        char *folder = strndup(at, length);
        found = folder && *folder ? try_ours(wanted, folder) : NULL;
        free(folder);
        at += length + (at[length] == ':');
    }
    return found;
}

char *mp_attach_package_find(const struct mp_target *target, bool *its)
{
    struct wanted wanted = {.target = target, .musl = !target->python.is_glibc};
    int minor = mp_python_minor(&target->python);
    snprintf(wanted.start, sizeof wanted.start, "_core.cpython-3%d-", minor);
    char *found = find_by_mappings(&wanted);
    if (!found)
        found = find_by_words(&wanted);
    *its = found;
    if (!found)
        found = find_beside_us(&wanted);
    if (!found)
        found = find_by_environment(&wanted);
    if (!found)
        mp_fail("process %d runs CPython 3.%d%s, for which there is no memory_profiler "
                "%s here: pip install memory_profiler==%s in its environment, or --target "
                "a folder and set MPROF_ATTACH_PATH to that",
                (int)target->pid, minor, wanted.musl ? " with musl" : "", MP_VERSION,
                MP_VERSION);
    return found;
}

static char *read_whole(int folder, const char *name, size_t *length)
{
    struct stat status;
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    char *bytes = NULL;
    *length = 0;
    if (fd >= 0 && !fstat(fd, &status) && S_ISREG(status.st_mode) &&
        status.st_size <= MOST_BYTES)
        bytes = malloc((size_t)status.st_size + 1);
    for (ssize_t got = 1; bytes && got && *length < (size_t)status.st_size;
         *length += (size_t)got)
        if ((got = read(fd, bytes + *length, (size_t)status.st_size - *length)) < 0) {
            free(bytes);
            bytes = NULL;
        }
    if (fd >= 0)
        close(fd);
    return bytes;
}

/* The modules of the package, and of extensions the one that is wanted. */
static int copy(struct mp_attach_room *room, const struct wanted *wanted, int folder,
                const char *to, int depth)
{
    DIR *entries = fdopendir(folder);
    int failed = !entries || mp_attach_room_make_folder(room, to) ? -1 : 0;
    for (struct dirent *entry; !failed && (entry = readdir(entries));) {
        char inner[512];
        size_t length;
        const char *name = entry->d_name;
        if (*name == '.' || !strcmp(name, "__pycache__") ||
            snprintf(inner, sizeof inner, "%s/%s", to, name) >= (int)sizeof inner)
            continue;
        int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0 && depth < DEEPEST) {
            failed = copy(room, wanted, fd, inner, depth + 1); /* which closes it */
            continue;
        }
        if (fd >= 0)
            close(fd);
        if (!has_suffix(name, ".py") && !is_module(wanted, name))
            continue;
        char *bytes = read_whole(folder, name, &length);
        failed = bytes ? mp_attach_room_put(room, inner, bytes, length) : -1;
        free(bytes);
    }
    if (entries)
        closedir(entries);
    else
        close(folder);
    return failed;
}

char *mp_attach_package_bring(struct mp_attach_room *room, const char *here, bool its)
{
    struct wanted wanted = {.target = room->target, .musl = !room->target->python.is_glibc};
    char prefix[64], path[4200];
    int length = snprintf(prefix, sizeof prefix, "/proc/%d/root", (int)room->target->pid);
    if (its)
        return strdup(here + length);
    if (!room->other_root && !room->other_user)
        return strdup(here);
    snprintf(wanted.start, sizeof wanted.start, "_core.cpython-3%d-",
             mp_python_minor(&room->target->python));
    snprintf(path, sizeof path, "%s/" PACKAGE, here);
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0 && !copy(room, &wanted, folder, PACKAGE, 0))
        return strdup(room->there);
    mp_fail("cannot copy memory_profiler into %s of process %d: %s", room->there,
            (int)room->target->pid, strerror(errno));
    return NULL;
}
