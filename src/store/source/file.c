#include "store/source/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/heap.h"

static const char outside[] =
    "it is outside the program's folders; --source-root FOLDER adds one";

/* What root may read and the capture's owner not must not get into a page that shows it. */
static bool is_private(const struct mp_source_place *place, const struct stat *status)
{
    return geteuid() == 0 && place->owner != 0 && status->st_uid == 0 &&
           !(status->st_mode & S_IROTH);
}

static const char *check(const struct mp_source_place *place, const struct stat *status)
{
    if (!S_ISREG(status->st_mode))
        return "it is not a regular file";
    if (status->st_uid != geteuid() && status->st_uid != 0)
        return "it is somebody else's file";
    if (is_private(place, status))
        return "it is root's alone, and the capture is another user's";
    return status->st_size > MP_HEAP_SOURCE_MOST ? "it is larger than 4 MiB" : NULL;
}

/* Where the file that is open really is: what its name says may have changed since. */
static bool is_inside(const struct mp_source_place *place, int fd)
{
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0)
        return false;
    path[length] = 0;
    return mp_source_roots_hold(&place->roots, path);
}

/* By its name or its first line: not any file that a capture may name. */
static bool is_python(const char *path, const char *text, size_t length)
{
    const char *point = strrchr(path, '.');
    const char *newline = memchr(text, '\n', length);
    size_t first = newline ? (size_t)(newline - text) : length;
    return (point && (!strcmp(point, ".py") || !strcmp(point, ".pyw"))) ||
           (first > 2 && !memcmp(text, "#!", 2) && memmem(text, first, "python", 6));
}

static size_t read_text(int fd, char *text, size_t length)
{
    size_t done = 0;
    ssize_t got;
    while (done < length && ((got = read(fd, text + done, length - done)) > 0 ||
                             (got < 0 && errno == EINTR)))
        done += got > 0 ? (size_t)got : 0;
    return done;
}

/* Why it cannot be read, or NULL. */
static const char *load(struct mp_source_file *file, const struct mp_source_place *place,
                        const char *path, int fd)
{
    struct stat status;
    if (fstat(fd, &status))
        return strerror(errno);
    const char *why = check(place, &status);
    if (why)
        return why;
    file->outside = !is_inside(place, fd);
    if (file->outside)
        return outside;
    if (!(file->text = malloc((size_t)status.st_size + 1)))
        return "out of memory";
    file->length = read_text(fd, file->text, (size_t)status.st_size);
    if (memchr(file->text, 0, file->length) || !is_python(path, file->text, file->length))
        return "it is not a Python file by its name or its first line";
    file->modified = (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
    return NULL;
}

/* As the name is; a relative one also beside the capture, which may have been recorded there. */
static int open_file(const struct mp_source_place *place, const char *path)
{
    int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW;
    int fd = open(path, flags);
    const char *slash = place->capture ? strrchr(place->capture, '/') : NULL;
    char *beside = NULL;
    if (fd >= 0 || errno != ENOENT || !slash || path[0] == '/')
        return fd;
    if (asprintf(&beside, "%.*s/%s", (int)(slash - place->capture), place->capture, path) <
        0)
        return -1;
    fd = open(beside, flags);
    int kept = errno;
    free(beside);
    errno = kept;
    return fd;
}

void mp_source_file_read(struct mp_source_file *file, const struct mp_source_place *place,
                         const char *path)
{
    *file = (struct mp_source_file){0};
    int fd = open_file(place, path);
    file->why = fd >= 0          ? load(file, place, path, fd)
                : errno == ELOOP ? "it is a symbolic link"
                                 : strerror(errno);
    if (fd >= 0)
        close(fd);
}

void mp_source_place_init(struct mp_source_place *place, const char *capture,
                          const struct mp_source_named *named)
{
    struct stat status;
    *place = (struct mp_source_place){.capture = capture};
    place->owner = stat(capture, &status) ? -1 : (int64_t)status.st_uid;
    mp_source_roots_init(&place->roots, capture, named);
}

void mp_source_place_release(struct mp_source_place *place)
{
    mp_source_roots_release(&place->roots);
}
