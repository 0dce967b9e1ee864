#include "cmd/heap/choice.h"

#include <errno.h>
#include <glob.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/shared/command.h"
#include "cmd/shared/here.h"
#include "cmd/shared/profiles.h"
#include "store/dat/read.h"
#include "store/heap/request.h"

static char *choose_newest(void)
{
    char *name = mp_newest_here(true);
    if (name)
        mp_note("reading %s, the newest heap capture here", name);
    else
        mp_fail("no heap capture here; 'mprof heap script.py' records one");
    return name;
}

/* NULL when there is none of that number. */
static char *by_index(long number)
{
    struct mp_profiles list;
    char *name = NULL;
    if (!mp_profiles_list(&list, true)) {
        if (number < 0)
            number += (long)list.listed;
        bool there = number >= (long)list.timelines && number < (long)list.count;
        if (there && mp_heap_started(list.names[number]) >= 0)
            name = strdup(list.names[number]);
    }
    mp_profiles_release(&list);
    return name;
}

bool mp_heap_has_index(const char *operand)
{
    char *name = by_index(strtol(operand, NULL, 10));
    bool has = name;
    free(name);
    return has;
}

char *mp_heap_choose(const char *operand)
{
    struct stat status;
    char *end;
    if (!operand)
        return choose_newest();
    errno = 0;
    long number = strtol(operand, &end, 10);
    bool named = *end || end == operand || errno || !stat(operand, &status);
    char *name = named ? strdup(operand) : by_index(number);
    if (!name && named)
        mp_fail("out of memory");
    else if (!name)
        mp_fail("no heap capture %s: 'mprof list' numbers them", operand);
    return name;
}

bool mp_heap_is_meant(const char *operand)
{
    struct stat status;
    return !stat(operand, &status) &&
           (S_ISDIR(status.st_mode) || mp_heap_started(operand) >= 0);
}

static int add(struct mp_heap_members *members, const char *path)
{
    struct stat status;
    bool missing = stat(path, &status) && errno != ENOTDIR;
    if (missing)
        return mp_fail("cannot read %s: %s", path, strerror(errno));
    if (!mp_heap_members_add(members, path))
        return 0;
    if (errno == ENOENT)
        return mp_fail("no heap capture below %s", path);
    if (errno == EBADMSG)
        return mp_fail("%s is damaged: the index of its captures cannot be read", path);
    return mp_fail("cannot read %s: %s", path, strerror(errno));
}

/* A pattern that the shell left as it is, in quotes or a script's list. */
static int add_pattern(struct mp_heap_members *members, const char *pattern)
{
    glob_t found;
    int code = 0;
    switch (glob(pattern, GLOB_TILDE, NULL, &found)) {
    case 0:
        for (size_t i = 0; i < found.gl_pathc && !code; i++)
            code = add(members, found.gl_pathv[i]);
        break;
    case GLOB_NOMATCH:
        code = mp_fail("nothing matches %s", pattern);
        break;
    default:
        code = mp_fail("cannot look for %s: %s", pattern, strerror(errno));
    }
    globfree(&found);
    return code;
}

static int add_operand(struct mp_heap_members *members, const char *operand)
{
    struct stat status;
    bool pattern = operand && stat(operand, &status) && operand[strcspn(operand, "*?[")];
    if (pattern)
        return add_pattern(members, operand);
    char *path = mp_heap_choose(operand);
    int code = path ? add(members, path) : MP_EXIT_FAILURE;
    free(path);
    return code;
}

int mp_heap_choose_all(struct mp_heap_members *members, char **name, int count,
                       char **operands)
{
    *members = (struct mp_heap_members){0};
    *name = NULL;
    int code = count ? 0 : add_operand(members, NULL);
    for (int i = 0; i < count && !code; i++)
        code = add_operand(members, operands[i]);
    if (code)
        return code;
    if (members->count == 1)
        *name = strdup(members->paths[0]);
    else if (count == 1)
        *name = strdup(operands[0]);
    else if (asprintf(name, "%s and %zu more", members->paths[0], members->count - 1) < 0)
        *name = NULL;
    return *name ? 0 : mp_fail("out of memory");
}

static char *of_process(int64_t pid)
{
    char *path = mp_heap_of_process(pid);
    if (!path && errno == ESRCH)
        mp_fail("no process has the number %lld", (long long)pid);
    else if (!path && errno == ENOENT)
        mp_fail("process %lld records no heap: 'mprof heap %lld' attaches to it",
                (long long)pid, (long long)pid);
    else if (!path)
        mp_fail("cannot see what process %lld records: %s", (long long)pid,
                strerror(errno));
    return path;
}

bool mp_heap_is_process(const char *operand)
{
    struct stat status;
    size_t length = operand ? strlen(operand) : 0;
    bool number = length && length < 10 && strspn(operand, "0123456789") == length;
    return number && stat(operand, &status);
}

char *mp_heap_choose_recorded(const char *operand, int64_t *pid)
{
    *pid = mp_heap_is_process(operand) ? strtoll(operand, NULL, 10) : 0;
    if (mp_heap_is_process(operand))
        return of_process(*pid);
    char *path = operand ? strdup(operand) : choose_newest();
    if (!path && operand)
        mp_fail("out of memory");
    return path;
}

int mp_heap_open(struct mp_heap_capture *capture, const char *path)
{
    switch (mp_heap_read(capture, path)) {
    case MP_HEAP_OK:
        return 0;
    case MP_HEAP_SYSTEM:
        return mp_fail("cannot read %s: %s", path, strerror(errno));
    case MP_HEAP_FUTURE:
        return mp_fail("%s was made by version %u of the format, this mprof reads up to %d",
                       path, capture->found, MP_HEAP_VERSION);
    case MP_HEAP_DAMAGED:
        return mp_fail("%s is damaged: %s, at byte %lld", path, capture->wrong,
                       (long long)capture->offset);
    case MP_HEAP_FOREIGN:
        break;
    }
    if (mp_dat_is_ours(path) == 1)
        return mp_fail("%s is a timeline, not a heap capture: 'mprof plot' draws it", path);
    return mp_fail("not an mprof heap capture: %s", path);
}
