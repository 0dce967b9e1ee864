#include "base/output.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/limit.h"

enum {
    HIGH_DESCRIPTOR = 200,
    LOWEST_DESCRIPTOR = 3,
    READER_TRIES = 100,
    READER_PAUSE = 10000000 /* ns */
};

int mp_output_lift(int fd)
{
    int high = fcntl(fd, F_DUPFD_CLOEXEC, HIGH_DESCRIPTOR);
    if (high < 0 && fd >= LOWEST_DESCRIPTOR)
        return fd; /* another may not be left */
    if (high < 0)
        high = fcntl(fd, F_DUPFD_CLOEXEC, LOWEST_DESCRIPTOR);
    int kept = errno;
    close(fd);
    errno = kept;
    return high;
}

int mp_output_append(int fd, const char *text, size_t length)
{
    struct mp_limited limited;
    mp_limit_begin(&limited);
    ssize_t written = write(fd, text, length);
    mp_limit_end(&limited, written < 0);
    if (written >= 0 && (size_t)written < length)
        errno = ENOSPC;
    return written == (ssize_t)length ? 0 : -1;
}

static int create(const char *path, mode_t mode)
{
    int fd =
        open(path, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0)
        return -1;
    if (mode == MP_OUTPUT_PRIVATE)
        fchmod(fd, mode); /* a umask may have taken our own rights away */
    fd = mp_output_lift(fd);
    int kept = errno;
    if (fd < 0)
        unlink(path);
    errno = kept;
    return fd;
}

int mp_output_create(const char *path, mode_t mode)
{
    int fd = create(path, mode);
    struct stat status;
    if (fd < 0 && errno == EEXIST && !lstat(path, &status))
        errno = S_ISLNK(status.st_mode)   ? ELOOP
                : S_ISDIR(status.st_mode) ? EISDIR
                : S_ISREG(status.st_mode) ? EEXIST
                                          : EINVAL;
    return fd;
}

/* /dev/stdout and its like are links of the system's own. */
static bool is_of_the_system(const char *path)
{
    return !strncmp(path, "/dev/", 5) || !strncmp(path, "/proc/", 6);
}

static bool may_replace(const char *path, off_t size, mp_output_ours *ours)
{
    int fd = size ? open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;
    bool may = !size || (fd >= 0 && ours(fd));
    if (fd >= 0)
        close(fd);
    return may;
}

enum there { NOTHING, REPLACED, WRITTEN_TO };

/* What becomes of what has the name, or -1 with errno. */
static int look(const char *path, mp_output_ours *ours)
{
    struct stat status;
    if (lstat(path, &status))
        return errno == ENOENT ? NOTHING : -1;
    bool link = S_ISLNK(status.st_mode);
    if (link && is_of_the_system(path))
        return WRITTEN_TO;
    errno = S_ISDIR(status.st_mode) ? EISDIR : link ? ELOOP : EEXIST;
    if (S_ISDIR(status.st_mode) || (link && ours))
        return -1;
    if (!link && !S_ISREG(status.st_mode))
        return WRITTEN_TO;
    if (!link && ours && !may_replace(path, status.st_size, ours)) {
        errno = EEXIST;
        return -1;
    }
    return REPLACED;
}

static int begin_temporary(struct mp_output *output, mode_t mode)
{
    const char *slash = strrchr(output->path, '/');
    int directory = slash ? (int)(slash - output->path) + 1 : 0;
    for (unsigned attempt = 0; attempt < 100; attempt++) {
        if (asprintf(&output->temporary, "%.*s.mprof-%d-%u", directory, output->path,
                     (int)getpid(), attempt) < 0) {
            output->temporary = NULL;
            return -1;
        }
        output->fd = create(output->temporary, mode);
        if (output->fd >= 0)
            return 0;
        free(output->temporary);
        output->temporary = NULL;
        if (errno != EEXIST)
            return -1;
    }
    return -1;
}

/* A pipe without a reader would keep us, and whoever waits for us, for ever. */
static int open_in_place(const char *path)
{
    const struct timespec pause = {.tv_nsec = READER_PAUSE};
    int fd, tries = READER_TRIES;
    while ((fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)) < 0 && errno == ENXIO &&
           tries--)
        nanosleep(&pause, NULL);
    if (fd < 0)
        errno = tries < 0 ? ENXIO : errno; /* not that of the pause */
    else
        fcntl(fd, F_SETFL, 0);
    return fd;
}

static int begin(struct mp_output *output, const char *path, mode_t mode,
                 mp_output_ours *ours, bool any)
{
    *output = (struct mp_output){.fd = -1};
    int there = look(path, ours);
    if (there == WRITTEN_TO && !any) {
        errno = EINVAL;
        there = -1;
    }
    if (there < 0 || !(output->path = strdup(path)))
        return -1;
    output->fresh = there == NOTHING;
    if (there == WRITTEN_TO) {
        output->in_place = true;
        output->fd = open_in_place(path);
    } else {
        begin_temporary(output, mode);
    }
    if (output->fd >= 0)
        return 0;
    int kept = errno;
    mp_output_release(output);
    errno = kept;
    return -1;
}

int mp_output_begin(struct mp_output *output, const char *path, mode_t mode,
                    mp_output_ours *ours)
{
    return begin(output, path, mode, ours, false);
}

int mp_output_begin_any(struct mp_output *output, const char *path, mode_t mode,
                        mp_output_ours *ours)
{
    return begin(output, path, mode, ours, true);
}

/* Where the file system cannot promise, the name was free a moment ago. musl has no renameat2. */
static int give_name(const struct mp_output *output)
{
    if (output->fresh && !syscall(SYS_renameat2, AT_FDCWD, output->temporary, AT_FDCWD,
                                  output->path, RENAME_NOREPLACE))
        return 0;
    if (output->fresh && errno != EINVAL && errno != ENOSYS)
        return -1;
    return rename(output->temporary, output->path);
}

int mp_output_commit(struct mp_output *output)
{
    if (output->in_place)
        return 0;
    if (give_name(output))
        return -1;
    free(output->temporary);
    output->temporary = NULL;
    return 0;
}

void mp_output_release(struct mp_output *output)
{
    if (output->fd >= 0)
        close(output->fd);
    if (output->temporary)
        unlink(output->temporary);
    free(output->temporary);
    free(output->path);
    *output = (struct mp_output){.fd = -1};
}
