/* What a file's first bytes say of it, without reading it. */
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/heap/bundle.h"
#include "store/heap/read.h"

_Static_assert(sizeof(struct mp_bundle_head) <= offsetof(struct mp_heap_header, elapsed),
               "its head is known by as many bytes as a capture");

/* A bundle's is that of the member that began first. */
static int64_t bundle_started(const char *start, size_t got)
{
    int64_t started;
    if (got < sizeof(struct mp_bundle_head) ||
        memcmp(start, MP_BUNDLE_MAGIC, sizeof MP_BUNDLE_MAGIC - 1) != 0)
        return -1;
    memcpy(&started, start + offsetof(struct mp_bundle_head, started), sizeof started);
    return started > 0 ? started : 0;
}

int64_t mp_heap_started(const char *path)
{
    char start[offsetof(struct mp_heap_header, elapsed)];
    struct stat status;
    int64_t wall = 0;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    ssize_t got = fd >= 0 && !fstat(fd, &status) && S_ISREG(status.st_mode)
                      ? mp_heap_read_at(fd, start, sizeof start, 0)
                      : -1;
    if (fd >= 0)
        close(fd);
    if (got < (ssize_t)sizeof MP_HEAP_MAGIC - 1 ||
        memcmp(start, MP_HEAP_MAGIC, sizeof MP_HEAP_MAGIC - 1) != 0)
        return bundle_started(start, got < 0 ? 0 : (size_t)got);
    if (got == (ssize_t)sizeof start)
        memcpy(&wall, start + offsetof(struct mp_heap_header, wall_start), sizeof wall);
    return wall > 0 ? wall : 0;
}

bool mp_heap_peek(const char *path, struct mp_heap_header *header)
{
    struct mp_heap_made made;
    struct stat status;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool is_read = !fstat(fd, &status) && S_ISREG(status.st_mode) &&
                   mp_heap_header_read(fd, header, &made) == MP_HEAP_OK;
    close(fd);
    header->command[MP_HEAP_COMMAND - 1] = 0;
    return is_read;
}

bool mp_heap_is_childs(const char *path)
{
    struct mp_heap_header header;
    return mp_heap_peek(path, &header) && header.parent != 0;
}
