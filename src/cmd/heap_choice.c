#include "cmd/heap_choice.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/command.h"
#include "cmd/profiles.h"
#include "store/dat_read.h"

static const char suffix[] = ".mprof";

static bool may_be_capture(const char *name)
{
    size_t length = strlen(name), its = sizeof suffix - 1;
    return length > its && !strcmp(name + length - its, suffix);
}

/* Of equal age, the last by name: -1 comes behind its elder of the same second. */
static char *newest(void)
{
    DIR *here = opendir(".");
    char *name = NULL;
    int64_t latest = -1;
    for (struct dirent *entry; here && (entry = readdir(here));) {
        int64_t start = may_be_capture(entry->d_name) ? mp_heap_started(entry->d_name) : -1;
        if (start < 0 || start < latest ||
            (start == latest && strcmp(entry->d_name, name) < 0))
            continue;
        free(name);
        name = strdup(entry->d_name);
        latest = name ? start : -1;
    }
    if (here)
        closedir(here);
    return name;
}

static char *choose_newest(void)
{
    char *name = newest();
    if (name)
        mp_note("reading %s, the newest heap capture here", name);
    else
        mp_fail("no heap capture here (*%s); 'mprof heap script.py' records one", suffix);
    return name;
}

/* NULL when there is none of that number. */
static char *by_index(long number)
{
    struct mp_profiles list;
    char *name = NULL;
    if (!mp_profiles_list(&list)) {
        if (number < 0)
            number += (long)list.count;
        if (number >= (long)list.timelines && number < (long)list.count)
            name = strdup(list.names[number]);
    }
    mp_profiles_release(&list);
    return name;
}

char *mp_heap_choose(const char *operand)
{
    struct stat status;
    char *end;
    if (!operand)
        return choose_newest();
    errno = 0;
    long number = strtol(operand, &end, 10);
    if (*end || end == operand || errno || !stat(operand, &status))
        return strdup(operand);
    char *name = by_index(number);
    if (!name)
        mp_fail("no heap capture %s: 'mprof list' numbers them", operand);
    return name;
}

int mp_heap_open(struct mp_heap_capture *capture, const char *path)
{
    switch (mp_heap_read(capture, path)) {
    case MP_HEAP_OK:
        return 0;
    case MP_HEAP_SYSTEM:
        return mp_fail("cannot read %s: %s", path, strerror(errno));
    case MP_HEAP_FUTURE:
        return mp_fail("%s was made by version %u of the format, this mprof reads %d", path,
                       capture->found, MP_HEAP_VERSION);
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
