/* Writing a bundle: pages of zeros are left out, the head comes last. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "store/heap/bundle.h"
#include "store/heap/header.h"

enum { PIECE = 16 * MP_BUNDLE_PAGE };

static int write_at(int fd, const char *bytes, size_t length, uint64_t offset)
{
    while (length) {
        ssize_t done = pwrite(fd, bytes, length, (off_t)offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -1;
        bytes += done;
        offset += (uint64_t)done;
        length -= (size_t)done;
    }
    return 0;
}

void mp_bundle_begin(struct mp_bundle_writer *writer, int fd)
{
    *writer = (struct mp_bundle_writer){
        .fd = fd, .at = MP_BUNDLE_PAGE, .head.version = MP_BUNDLE_VERSION};
    memcpy(writer->head.magic, MP_BUNDLE_MAGIC, sizeof writer->head.magic);
    int flags = fcntl(fd, F_GETFL); /* the head is written last, not at the end */
    if (flags >= 0)
        fcntl(fd, F_SETFL, flags & ~O_APPEND);
}

static int put_index(struct mp_bundle_writer *writer, const void *bytes, size_t length)
{
    if (mp_array_reserve((void **)&writer->index, &writer->index_room,
                         writer->index_size + length, 1))
        return -1;
    memcpy(writer->index + writer->index_size, bytes, length);
    writer->index_size += length;
    return 0;
}

static bool is_empty(const char *page, size_t length)
{
    return !page[0] && !memcmp(page, page + 1, length - 1);
}

/* The runs of one member, as they are found. */
struct copying {
    struct mp_bundle_writer *writer;
    size_t entry; /* where its entry is in the index */
    struct mp_bundle_run run;
};

static int end_run(struct copying *copying)
{
    if (!copying->run.length)
        return 0;
    if (put_index(copying->writer, &copying->run, sizeof copying->run))
        return -1;
    struct mp_bundle_entry entry;
    memcpy(&entry, copying->writer->index + copying->entry, sizeof entry);
    entry.runs++;
    memcpy(copying->writer->index + copying->entry, &entry, sizeof entry);
    copying->run.length = 0;
    return 0;
}

static int copy_page(struct copying *copying, const char *page, size_t length, uint64_t at)
{
    struct mp_bundle_writer *writer = copying->writer;
    if (is_empty(page, length))
        return end_run(copying);
    if (!copying->run.length)
        copying->run = (struct mp_bundle_run){at, writer->at, 0};
    if (write_at(writer->fd, page, length, writer->at))
        return -1;
    writer->at += length;
    copying->run.length += length;
    return 0;
}

/* Returns its size; negative with errno. */
static int64_t copy_pages(struct copying *copying, int from)
{
    char piece[PIECE];
    int64_t at = 0;
    for (ssize_t got; (got = mp_heap_read_at(from, piece, sizeof piece, at)); at += got) {
        if (got < 0)
            return -1;
        for (size_t page = 0; page < (size_t)got; page += MP_BUNDLE_PAGE) {
            size_t left = (size_t)got - page;
            size_t length = left < MP_BUNDLE_PAGE ? left : MP_BUNDLE_PAGE;
            if (copy_page(copying, piece + page, length, (uint64_t)at + page))
                return -1;
        }
    }
    return end_run(copying) ? -1 : at;
}

int mp_bundle_add(struct mp_bundle_writer *writer, int from, const char *name,
                  int64_t started)
{
    static const char padding[8];
    size_t length = strlen(name);
    struct mp_bundle_entry entry = {.name_length = (uint32_t)length};
    struct copying copying = {.writer = writer, .entry = writer->index_size};
    if (put_index(writer, &entry, sizeof entry))
        return -1;
    int64_t size = copy_pages(&copying, from);
    if (size < 0 || put_index(writer, name, length) ||
        put_index(writer, padding, -length % sizeof padding))
        return -1;
    memcpy(&entry, writer->index + copying.entry, sizeof entry);
    entry.size = (uint64_t)size;
    memcpy(writer->index + copying.entry, &entry, sizeof entry);
    if (!writer->head.count++ || started < writer->head.started)
        writer->head.started = started;
    return 0;
}

int mp_bundle_end(struct mp_bundle_writer *writer)
{
    writer->head.index = writer->at;
    writer->head.index_size = writer->index_size;
    int failed = write_at(writer->fd, writer->index, writer->index_size, writer->at) ||
                 write_at(writer->fd, (const char *)&writer->head, sizeof writer->head, 0);
    free(writer->index);
    writer->index = NULL;
    return failed ? -1 : 0;
}
