#include "cmd/source.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LARGEST = 16 << 20 };

static int is_as_it_was(int fd, int64_t wall_start, size_t *length)
{
    struct stat status;
    if (fstat(fd, &status) || !S_ISREG(status.st_mode) || status.st_size > LARGEST)
        return 0;
    *length = (size_t)status.st_size;
    return status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec <= wall_start;
}

static void load(struct mp_source *source, int64_t wall_start)
{
    size_t length = 0;
    int fd = open(source->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0 && is_as_it_was(fd, wall_start, &length) &&
        (source->text = malloc(length + 1))) {
        ssize_t got = read(fd, source->text, length);
        source->length = got > 0 ? (size_t)got : 0;
    }
    if (fd >= 0)
        close(fd);
}

/* Files come in runs: one is kept. */
static int choose(struct mp_source *source, const struct mp_heap_view *view,
                  struct mp_heap_text file)
{
    const char *name = view->text + file.offset;
    if (source->path && strlen(source->path) == file.length &&
        !memcmp(source->path, name, file.length))
        return 0;
    mp_source_release(source);
    source->path = strndup(name, file.length);
    if (!source->path)
        return -1;
    load(source, view->header->wall_start);
    return 0;
}

const char *mp_source_line(void *from, const struct mp_heap_view *view,
                           struct mp_heap_text file, int line, size_t *length)
{
    struct mp_source *source = from;
    if (choose(source, view, file) || !source->text)
        return NULL;
    if (!source->at || line < source->number) {
        source->at = source->text;
        source->number = 1;
    }
    const char *end = source->text + source->length;
    while (source->at < end) {
        const char *newline = memchr(source->at, '\n', (size_t)(end - source->at));
        const char *stop = newline ? newline : end;
        if (source->number == line) {
            *length = (size_t)(stop - source->at);
            return source->at;
        }
        source->at = newline ? newline + 1 : end;
        source->number++;
    }
    return NULL;
}

void mp_source_release(struct mp_source *source)
{
    free(source->path);
    free(source->text);
    *source = (struct mp_source){0};
}
