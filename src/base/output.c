#include "base/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HIGH_DESCRIPTOR = 200, LOWEST_DESCRIPTOR = 3 };

int mp_output_lift(int fd)
{
    int high = fcntl(fd, F_DUPFD_CLOEXEC, HIGH_DESCRIPTOR);
    if (high < 0)
        high = fcntl(fd, F_DUPFD_CLOEXEC, LOWEST_DESCRIPTOR);
    int kept = errno;
    close(fd);
    errno = kept;
    return high;
}

static int create(const char *path, mode_t mode)
{
    int fd =
        open(path, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0)
        return -1;
    if (mode == MP_OUTPUT_PRIVATE)
        fchmod(fd, mode); /* a umask may have taken our own rights away */
    return mp_output_lift(fd);
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

/* What is there already: 1 pipe or device, 0 a file, a link or nothing, -1 with errno. */
static int is_device(const char *path)
{
    struct stat status;
    if (stat(path, &status))
        return errno == ENOENT ? 0 : -1;
    if (S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        return -1;
    }
    return !S_ISREG(status.st_mode);
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

int mp_output_begin(struct mp_output *output, const char *path, mode_t mode)
{
    *output = (struct mp_output){.fd = -1};
    int device = is_device(path);
    if (device < 0 || !(output->path = strdup(path)))
        return -1;
    if (device) {
        output->in_place = true;
        output->fd = open(path, O_WRONLY | O_CLOEXEC);
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

int mp_output_commit(struct mp_output *output)
{
    if (output->in_place)
        return 0;
    if (rename(output->temporary, output->path))
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
