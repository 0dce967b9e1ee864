#include "cmd/shared/here.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "cmd/shared/default_names.h"
#include "store/dat/read.h"
#include "store/heap/read.h"

enum { BEGINNING = 8192, SECOND = 1000000000, STAMP_DIGITS = 14 };

/* What a default name says, to the second; 0 when it says nothing. */
static int64_t stamped(const char *name)
{
    struct tm when = {.tm_isdst = -1};
    char digits[STAMP_DIGITS + 1];
    if (!mp_profiles_is_listed(name))
        return 0;
    memcpy(digits, mp_profiles_stamp(name), STAMP_DIGITS);
    digits[STAMP_DIGITS] = 0;
    if (!strptime(digits, "%Y%m%d%H%M%S", &when))
        return 0;
    time_t seconds = mktime(&when);
    return seconds > 0 ? seconds * INT64_C(1000000000) : 0;
}

/* Its first record with a time. The classic writes functions before the samples. */
static int64_t first_time(int fd)
{
    char bytes[BEGINNING];
    struct mp_timeline timeline;
    int64_t first = 0;
    ssize_t length = pread(fd, bytes, sizeof bytes, 0);
    if (length <= 0)
        return 0;
    if (mp_dat_parse(&timeline, bytes, (size_t)length) == MP_DAT_OK) {
        if (timeline.total.count)
            first = timeline.total.points[0].time;
        else if (timeline.span_count)
            first = timeline.spans[0].enter.time;
    }
    mp_timeline_release(&timeline);
    return first;
}

/* A name's second made finer by the first record; what was copied or renamed keeps its own. */
static int64_t timeline_started(int fd, const char *name, const struct stat *status)
{
    int64_t stamp = stamped(name), first = first_time(fd);
    if (stamp && (first < stamp || first - stamp > 2 * (int64_t)SECOND))
        return stamp;
    return first ? first : status->st_mtim.tv_sec * INT64_C(1000000000);
}

int64_t mp_recording_started(const char *name, bool heap)
{
    struct stat status;
    int64_t started = heap ? mp_heap_started(name) : 0;
    int fd = heap ? -1 : open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && !fstat(fd, &status))
        started = timeline_started(fd, name, &status);
    if (fd >= 0)
        close(fd);
    return started > 0 ? started : 0;
}

static int add(struct mp_recordings *list, const char *name, bool heap)
{
    if (mp_array_reserve((void **)&list->items, &list->room, list->count + 1,
                         sizeof *list->items))
        return -1;
    struct mp_recording *item = &list->items[list->count];
    *item = (struct mp_recording){strdup(name), mp_recording_started(name, heap), heap};
    list->count += item->name != NULL;
    return item->name ? 0 : -1;
}

static int look_at(struct mp_recordings *list, const char *name)
{
    if (mp_heap_started(name) >= 0)
        return mp_heap_is_childs(name) ? 0 : add(list, name, true);
    return mp_dat_is_ours(name) == 1 ? add(list, name, false) : 0;
}

/* Of equal age, "…05-1" comes behind "…05", its elder of the same second. */
static int by_age(const void *left, const void *right)
{
    const struct mp_recording *a = left, *b = right;
    if (a->started != b->started)
        return a->started < b->started ? -1 : 1;
    if (mp_profiles_is_listed(a->name) && mp_profiles_is_listed(b->name))
        return mp_profiles_by_age(a->name, b->name);
    return strcmp(a->name, b->name);
}

int mp_recordings_find(struct mp_recordings *list)
{
    *list = (struct mp_recordings){0};
    DIR *here = opendir(".");
    int failed = here ? 0 : -1;
    for (struct dirent *entry; !failed && (entry = readdir(here));)
        if (entry->d_type == DT_REG || entry->d_type == DT_UNKNOWN)
            failed = look_at(list, entry->d_name);
    int kept = errno;
    if (here)
        closedir(here);
    if (list->count)
        qsort(list->items, list->count, sizeof *list->items, by_age);
    errno = kept;
    return failed;
}

void mp_recordings_release(struct mp_recordings *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].name);
    free(list->items);
    *list = (struct mp_recordings){0};
}

char *mp_newest_here(bool heaps_alone)
{
    struct mp_recordings list;
    char *name = NULL;
    mp_recordings_find(&list);
    for (size_t i = list.count; i-- > 0 && !name;)
        if (list.items[i].heap || !heaps_alone)
            name = strdup(list.items[i].name);
    mp_recordings_release(&list);
    return name;
}
