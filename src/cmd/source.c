#include "cmd/source.h"

#include <errno.h>
#include <fcntl.h>
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

enum { LARGEST = 4 << 20 };

static const char *check(const struct stat *status)
{
    if (!S_ISREG(status->st_mode))
        return "it is not a regular file";
    if (status->st_uid != geteuid() && status->st_uid != 0)
        return "it is somebody else's file";
    return status->st_size > LARGEST ? "it is larger than 4 MiB" : NULL;
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

/* Why it cannot be shown, or NULL. */
static const char *load(struct mp_source *source, int fd, int64_t wall_start)
{
    struct stat status;
    if (fstat(fd, &status))
        return strerror(errno);
    const char *why = check(&status);
    if (why)
        return why;
    if (!(source->text = malloc((size_t)status.st_size + 1)))
        return "out of memory";
    size_t length = read_text(fd, source->text, (size_t)status.st_size);
    if (memchr(source->text, 0, length) || !is_python(source->path, source->text, length))
        return "it is not a Python file by its name or its first line";
    if (mp_heap_source_init(&source->lines, source->text, length))
        return "out of memory";
    source->lines.changed = status.st_mtim.tv_sec > wall_start / 1000000000;
    return NULL;
}

/* As the name is; a relative one also beside the capture, which may have been recorded there. */
static int open_file(const struct mp_source *source)
{
    int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    int fd = open(source->path, flags);
    const char *slash = source->capture ? strrchr(source->capture, '/') : NULL;
    char *beside = NULL;
    if (fd >= 0 || errno != ENOENT || !slash || source->path[0] == '/')
        return fd;
    if (asprintf(&beside, "%.*s/%s", (int)(slash - source->capture), source->capture,
                 source->path) < 0)
        return -1;
    fd = open(beside, flags);
    int kept = errno;
    free(beside);
    errno = kept;
    return fd;
}

static void clear(struct mp_source *source)
{
    mp_heap_source_release(&source->lines);
    free(source->path);
    free(source->text);
    source->path = source->text = NULL;
}

const struct mp_heap_source_text *mp_source_read(struct mp_source *source,
                                                 const struct mp_heap_view *view,
                                                 struct mp_heap_text file)
{
    const char *name = view->text + file.offset;
    if (source->path && strlen(source->path) == file.length &&
        !memcmp(source->path, name, file.length))
        return &source->lines;
    clear(source);
    if (!(source->path = strndup(name, file.length)))
        return NULL;
    int fd = open_file(source);
    const char *why = fd < 0 ? strerror(errno) : load(source, fd, view->header->wall_start);
    if (fd >= 0)
        close(fd);
    if (why)
        source->lines = (struct mp_heap_source_text){.why = why};
    return &source->lines;
}

static void note_changed(struct mp_source *source)
{
    for (size_t i = 0; i < source->changed_count; i++)
        if (!strcmp(source->changed[i], source->path))
            return;
    if (mp_array_reserve((void **)&source->changed, &source->changed_room,
                         source->changed_count + 1, sizeof *source->changed))
        return;
    source->changed[source->changed_count] = strdup(source->path);
    source->changed_count += source->changed[source->changed_count] != NULL;
}

const char *mp_source_line(void *from, const struct mp_heap_view *view,
                           struct mp_heap_text file, int line, size_t *length)
{
    struct mp_source *source = from;
    const struct mp_heap_source_text *lines = mp_source_read(source, view, file);
    if (!lines || !lines->text)
        return NULL;
    if (!lines->changed)
        return mp_heap_source_at(lines, line, length);
    note_changed(source);
    return NULL;
}

void mp_source_release(struct mp_source *source)
{
    clear(source);
    for (size_t i = 0; i < source->changed_count; i++)
        free(source->changed[i]);
    free(source->changed);
    *source = (struct mp_source){0};
}
