#include "store/dat/read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/dat/records.h"
#include "store/dat/sleeps.h"

enum { LONGEST_LINE = 1 << 18, CHUNK = 1 << 16, NEWEST_VERSION = 1 };

/* Reads whole lines out of a buffer; returns how many bytes they took. */
static size_t read_lines(struct mp_dat_reader *reader, const char *bytes, size_t length)
{
    const char *at = bytes, *end = bytes + length, *stop;
    while (at < end && !reader->no_memory && reader->timeline->version <= NEWEST_VERSION &&
           (stop = memchr(at, '\n', (size_t)(end - at)))) {
        mp_dat_read_line(reader, at, stop);
        reader->overlong = false;
        at = stop + 1;
    }
    return (size_t)(at - bytes);
}

static void settle(struct mp_timeline *timeline)
{
    mp_series_sort(&timeline->total);
    mp_series_sort(&timeline->group);
    mp_series_sort(&timeline->limits);
    mp_series_sort(&timeline->cpu);
    mp_series_sort(&timeline->kills);
    mp_series_sort(&timeline->sleeps);
    for (size_t i = 0; i < timeline->track_count; i++)
        mp_series_sort(&timeline->tracks[i].series);
    for (size_t i = 0; i < timeline->track_count; i++)
        mp_series_sort(&timeline->tracks[i].cpu);
    mp_dat_add_sleeps(timeline);
    const struct mp_series *total = &timeline->total;
    int64_t last = total->count ? total->points[total->count - 1].time : 0;
    if (timeline->ended && timeline->end.time > last)
        last = timeline->end.time;
    for (size_t i = 0; i < timeline->span_count; i++)
        if (timeline->spans[i].open && timeline->spans[i].leave.time < last)
            timeline->spans[i].leave.time = last;
}

static enum mp_dat_problem finish(struct mp_dat_reader *reader, bool any)
{
    struct mp_timeline *timeline = reader->timeline;
    free(reader->open);
    free(reader->numbers);
    if (reader->no_memory) {
        errno = ENOMEM;
        return MP_DAT_SYSTEM;
    }
    settle(timeline);
    if (timeline->version > NEWEST_VERSION)
        return MP_DAT_FUTURE;
    if (!any)
        return MP_DAT_EMPTY;
    return timeline->records ? MP_DAT_OK : MP_DAT_FOREIGN;
}

enum mp_dat_problem mp_dat_parse(struct mp_timeline *timeline, const char *bytes,
                                 size_t length)
{
    *timeline = (struct mp_timeline){0};
    struct mp_dat_reader reader = {.timeline = timeline};
    timeline->cut = read_lines(&reader, bytes, length) < length;
    return finish(&reader, length > 0);
}

/* What is left of the buffer after its whole lines moves to the front; a line that fills it is
   cut there. Returns how much is left. */
static size_t keep_rest(struct mp_dat_reader *reader, char *buffer, size_t used)
{
    size_t read = reader->overlong ? 0 : read_lines(reader, buffer, used);
    if (reader->overlong) {
        char *stop = memchr(buffer + LONGEST_LINE / 2, '\n', used - LONGEST_LINE / 2);
        if (!stop)
            return LONGEST_LINE / 2;
        mp_dat_read_line(reader, buffer, buffer + LONGEST_LINE / 2);
        reader->overlong = false;
        read = (size_t)(stop + 1 - buffer);
        read += read_lines(reader, stop + 1, used - read);
    }
    memmove(buffer, buffer + read, used - read);
    if (used - read < LONGEST_LINE - CHUNK)
        return used - read;
    reader->overlong = true;
    return LONGEST_LINE / 2;
}

/* /dev/zero has no end. */
static bool is_device(int fd)
{
    struct stat status;
    return !fstat(fd, &status) && S_ISCHR(status.st_mode);
}

/* Reads up to what is the end of the file now. 0, or -1 with errno. */
static int read_on(struct mp_dat_follow *follow)
{
    struct mp_dat_reader *reader = follow->reader;
    ssize_t length = is_device(follow->fd) ? 0 : 1;
    follow->any |= !length;
    while (length > 0 && !reader->no_memory &&
           reader->timeline->version <= NEWEST_VERSION) {
        length = read(follow->fd, follow->buffer + follow->used, CHUNK);
        if (length > 0) {
            follow->any = true;
            follow->used = keep_rest(reader, follow->buffer, follow->used + (size_t)length);
        }
    }
    return length < 0 ? -1 : 0;
}

enum mp_dat_problem mp_dat_follow_open(struct mp_dat_follow *follow, const char *path)
{
    *follow = (struct mp_dat_follow){.fd = open(path, O_RDONLY | O_CLOEXEC)};
    if (follow->fd < 0)
        return MP_DAT_SYSTEM;
    follow->buffer = malloc(LONGEST_LINE);
    follow->reader = calloc(1, sizeof *follow->reader);
    if (!follow->buffer || !follow->reader)
        return MP_DAT_SYSTEM;
    follow->reader->timeline = &follow->timeline;
    return mp_dat_follow_update(follow);
}

enum mp_dat_problem mp_dat_follow_update(struct mp_dat_follow *follow)
{
    if (read_on(follow))
        return MP_DAT_SYSTEM;
    if (follow->reader->no_memory) {
        errno = ENOMEM;
        return MP_DAT_SYSTEM;
    }
    return follow->timeline.version > NEWEST_VERSION ? MP_DAT_FUTURE
           : !follow->any                            ? MP_DAT_EMPTY
           : follow->timeline.records                ? MP_DAT_OK
                                                     : MP_DAT_FOREIGN;
}

void mp_dat_follow_release(struct mp_dat_follow *follow)
{
    if (follow->fd >= 0)
        close(follow->fd);
    if (follow->reader) {
        free(follow->reader->open);
        free(follow->reader->numbers);
    }
    free(follow->reader);
    free(follow->buffer);
    mp_timeline_release(&follow->timeline);
    *follow = (struct mp_dat_follow){.fd = -1};
}

enum mp_dat_problem mp_dat_read(struct mp_timeline *timeline, const char *path)
{
    struct mp_dat_reader reader = {.timeline = timeline};
    struct mp_dat_follow follow = {.fd = open(path, O_RDONLY | O_CLOEXEC),
                                   .reader = &reader};
    *timeline = (struct mp_timeline){0};
    follow.buffer = follow.fd < 0 ? NULL : malloc(LONGEST_LINE);
    int failed = follow.buffer ? read_on(&follow) : -1, kept = errno;
    timeline->cut = follow.used > 0;
    free(follow.buffer);
    if (follow.fd >= 0)
        close(follow.fd);
    enum mp_dat_problem problem = finish(&reader, follow.any);
    errno = failed ? kept : errno;
    return failed ? MP_DAT_SYSTEM : problem;
}

bool mp_dat_is_default_name(const char *path)
{
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    size_t length = strlen(name);
    return length > 13 && !strncmp(name, "mprofile_", 9) &&
           !strcmp(name + length - 4, ".dat");
}

int mp_dat_is_ours(const char *path)
{
    char start[16] = "";
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -1;
    struct stat status;
    int ours = 0;
    if (!fstat(fd, &status) && S_ISREG(status.st_mode)) {
        ssize_t length = read(fd, start, sizeof start - 1);
        ours = length ? mp_dat_is_record(start) : mp_dat_is_default_name(path);
    }
    close(fd);
    return ours;
}
