#include "cmd/heap/naming.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cmd/shared/command.h"
#include "store/heap/read.h"
#include "store/heap/run.h"

enum { MOST_IN_ONE_SECOND = 1000 };

static bool is_capture(const char *path)
{
    struct mp_heap_capture capture;
    enum mp_heap_problem problem = mp_heap_read(&capture, path);
    mp_heap_capture_release(&capture);
    return problem == MP_HEAP_OK || problem == MP_HEAP_DAMAGED;
}

/* Whether a file of ours may be given a name: nothing has it, or a capture that it replaces. */
static bool is_free(const char *path, bool force)
{
    struct stat status;
    if (lstat(path, &status))
        return errno == ENOENT;
    return S_ISREG(status.st_mode) ? force || is_capture(path)
                                   : force && S_ISLNK(status.st_mode);
}

/* What a child's capture is called beside `to`; the caller's to free, or NULL. */
static char *child_name(const char *child, const char *path, const char *to)
{
    char *name;
    return asprintf(&name, "%s%s", to, child + strlen(path)) < 0 ? NULL : name;
}

/* The name of the first capture that would not be free, the caller's to free; NULL: all are. */
static char *find_taken(const struct mp_heap_children *children, const char *path,
                        const char *to, bool force)
{
    for (size_t i = 0; i < children->count; i++) {
        char *name = child_name(children->paths[i], path, to);
        if (name && !is_free(name, force))
            return name;
        free(name);
    }
    return is_free(to, force) ? NULL : strdup(to);
}

/* Where each capture of a run goes: to its name beside `to`; NULL: it is removed. */
static int move_one(const char *child, const char *path, const char *to)
{
    char *name = to ? child_name(child, path, to) : NULL;
    int failed = to ? !name || rename(child, name) : unlink(child);
    if (failed)
        mp_fail("cannot move %s away: %s", child, strerror(errno));
    free(name);
    return failed ? MP_EXIT_FAILURE : 0;
}

/* The captures of a run's children go where its first's goes. */
static int move_children(const char *path, const char *to, bool force)
{
    struct mp_heap_children children;
    int code = 0;
    if (mp_heap_children_find(&children, path, SIZE_MAX))
        code = mp_fail("cannot look for the captures of the children of %s: %s", path,
                       strerror(errno));
    char *taken = to && !code ? find_taken(&children, path, to, force) : NULL;
    if (taken)
        code = mp_fail("cannot record into %s: %s, where the earlier one would go, is "
                       "taken; --force replaces it",
                       path, taken);
    for (size_t i = 0; i < children.count && !code; i++)
        code = move_one(children.paths[i], path, to);
    free(taken);
    mp_heap_children_release(&children);
    return code;
}

/* An earlier capture of ours makes room as FILE.old. Returns 0, or the exit code. */
static int move_away(const char *path, bool force)
{
    char *old = NULL;
    if (asprintf(&old, "%s.old", path) < 0)
        return mp_fail("out of memory");
    int code = 0;
    if (is_free(old, force))
        code = move_children(old, NULL, force);
    if (!code)
        code = move_children(path, old, force);
    if (!code && rename(path, old))
        code = mp_fail("cannot record into %s: %s", path, strerror(errno));
    else if (!code)
        mp_note("the earlier capture is now %s", old);
    free(old);
    return code;
}

/* What is at the name now must not be there when the program starts. Whether it starts is not
   known yet: a capture is never removed for it. */
int mp_heap_make_room(const char *path, bool force)
{
    struct stat status;
    if (lstat(path, &status))
        return errno == ENOENT
                   ? 0
                   : mp_fail("cannot record into %s: %s", path, strerror(errno));
    bool link = S_ISLNK(status.st_mode);
    if (!link && !S_ISREG(status.st_mode))
        return mp_fail("cannot record into %s: not a regular file", path);
    if (!link && is_capture(path))
        return move_away(path, force);
    if (force && move_children(path, NULL, force))
        return MP_EXIT_FAILURE;
    if (force)
        return unlink(path) ? mp_fail("cannot replace %s: %s", path, strerror(errno)) : 0;
    if (link)
        return mp_fail(
            "cannot record into %s: it is a symbolic link; --force replaces the link",
            path);
    return mp_fail("cannot record into %s: it exists and is not a heap capture; --force "
                   "replaces it",
                   path);
}

int mp_heap_default_name(char *path, size_t room, const char *ending)
{
    char stamp[32];
    time_t now = time(NULL);
    struct stat status;
    strftime(stamp, sizeof stamp, "%Y%m%d%H%M%S", localtime(&now));
    for (int i = 0; i < MOST_IN_ONE_SECOND; i++) {
        if (i)
            snprintf(path, room, "mprofheap_%s-%d%s", stamp, i, ending);
        else
            snprintf(path, room, "mprofheap_%s%s", stamp, ending);
        if (lstat(path, &status))
            return 0;
    }
    return mp_fail("no name is free for this second's captures: use -o");
}
