#include "store/heap/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/saturate.h"
#include "store/heap/writer.h"

enum { PAGE = 1 << 12 };

struct copying {
    int from, to;
    int64_t size;
    struct mp_heap_header *header; /* as it was when copying began */
    char *chunk;                   /* what is copied */
    int64_t live, peak;            /* of the stacks that were copied */
};

static int write_at(int fd, const char *bytes, size_t length, int64_t offset)
{
    while (length) {
        ssize_t put = pwrite(fd, bytes, length, offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0) {
            errno = put ? errno : ENOSPC;
            return -1;
        }
        bytes += put;
        offset += put;
        length -= (size_t)put;
    }
    return 0;
}

/* Pages of zeros are left out: they take no room where they are not written. */
static int write_pages(const struct copying *copying, size_t length, int64_t offset)
{
    static const char zeros[PAGE];
    for (size_t at = 0; at < length; at += PAGE) {
        size_t its = length - at < PAGE ? length - at : PAGE;
        if (memcmp(copying->chunk + at, zeros, its) != 0 &&
            write_at(copying->to, copying->chunk + at, its, offset + (int64_t)at))
            return -1;
    }
    return 0;
}

/* What nodes of this chunk hold; `first` is the number of the first. */
static void sum(struct copying *copying, size_t first, size_t length)
{
    const struct mp_heap_node *nodes = (const void *)copying->chunk;
    uint64_t count = copying->header->counts[MP_HEAP_NODES];
    for (size_t i = 0; i < length / sizeof *nodes && first + i < count; i++) {
        bool holds = nodes[i].epoch == copying->header->epoch;
        copying->live = mp_sum(copying->live, nodes[i].live);
        copying->peak = mp_sum(copying->peak, holds ? nodes[i].at_peak : nodes[i].live);
    }
}

static int copy_chunks(struct copying *copying)
{
    size_t nodes = 0;
    for (int64_t at = 0; at < copying->size; at += MP_HEAP_CHUNK) {
        ssize_t got = mp_heap_read_at(copying->from, copying->chunk, MP_HEAP_CHUNK, at);
        if (got < 0 || write_pages(copying, (size_t)got, at))
            return -1;
        int64_t chunk = at / MP_HEAP_CHUNK;
        if (chunk < MP_HEAP_CHUNKS && copying->header->owners[chunk] == MP_HEAP_NODES) {
            sum(copying, nodes, (size_t)got);
            nodes += MP_HEAP_CHUNK / sizeof(struct mp_heap_node);
        }
    }
    return 0;
}

/* Where the chunk of a table that has one alone begins; -1: it has none, or more. */
static int64_t only_chunk(const struct mp_heap_header *header, enum mp_heap_table table)
{
    int64_t found = -1;
    for (int64_t i = 1; i < MP_HEAP_CHUNKS && header->owners[i]; i++)
        if (header->owners[i] == table) {
            if (found >= 0)
                return -1;
            found = i * MP_HEAP_CHUNK;
        }
    return found;
}

/* An item as it was copied, and as it is now. */
static int read_both(const struct copying *copying, void *copied, void *now, size_t size,
                     int64_t at)
{
    ssize_t all = (ssize_t)size;
    return mp_heap_read_at(copying->to, copied, size, at) == all &&
                   mp_heap_read_at(copying->from, now, size, at) == all
               ? 0
               : -1;
}

/* A moment that was replaced meanwhile has entries of two, and one that came meanwhile may have stacks that
   were not copied. */
static int drop_moments(struct copying *copying)
{
    const struct mp_heap_header *header = copying->header;
    size_t size = header->item_sizes[MP_HEAP_MOMENTS];
    int64_t offset = only_chunk(header, MP_HEAP_MOMENTS);
    uint64_t count = header->counts[MP_HEAP_MOMENTS];
    for (uint64_t i = 0; offset >= 0 && i < count && i < MP_HEAP_SLOTS; i++) {
        struct mp_heap_moment copied, now;
        int64_t at = offset + (int64_t)(i * size);
        if (read_both(copying, &copied, &now, sizeof now, at))
            return -1;
        if (!copied.stamp || (copied.stamp == now.stamp && copied.time <= header->elapsed &&
                              copied.nodes <= header->counts[MP_HEAP_NODES]))
            continue;
        copied.stamp = 0;
        if (write_at(copying->to, (const char *)&copied, sizeof copied, at))
            return -1;
    }
    return 0;
}

/* A census likewise. */
static int drop_censuses(struct copying *copying)
{
    const struct mp_heap_header *header = copying->header;
    size_t size = header->item_sizes[MP_HEAP_CENSUSES];
    int64_t offset = only_chunk(header, MP_HEAP_CENSUSES);
    uint64_t count = header->counts[MP_HEAP_CENSUSES];
    for (uint64_t i = 0; offset >= 0 && i < count && i < MP_HEAP_CHUNK / size; i++) {
        struct mp_heap_census copied, now;
        int64_t at = offset + (int64_t)(i * size);
        if (read_both(copying, &copied, &now, sizeof now, at))
            return -1;
        if (copied.stamp == now.stamp && copied.time <= header->elapsed)
            continue;
        copied.stamp = 0;
        if (write_at(copying->to, (const char *)&copied, sizeof copied, at))
            return -1;
    }
    return 0;
}

/* Who held objects, likewise: the next answer to another process goes where this one is. Whoever writes it
   says first that there is none. */
static int drop_holders(struct copying *copying)
{
    struct mp_heap_header *header = copying->header;
    struct mp_heap_holders_asked now;
    uint64_t counts[MP_HEAP_DIRECTORY];
    if (header->header_size < offsetof(struct mp_heap_header, holders) + sizeof now)
        return 0;
    if (mp_heap_read_at(copying->from, &now, sizeof now,
                        offsetof(struct mp_heap_header, holders)) != sizeof now ||
        mp_heap_read_at(copying->from, counts, sizeof counts,
                        offsetof(struct mp_heap_header, counts)) != sizeof counts)
        return -1;
    if (now.of == header->holders.of && now.time == header->holders.time &&
        counts[MP_HEAP_HOLDERS] == header->counts[MP_HEAP_HOLDERS] &&
        counts[MP_HEAP_WASTE] == header->counts[MP_HEAP_WASTE])
        return 0;
    header->counts[MP_HEAP_HOLDERS] = header->counts[MP_HEAP_WASTE] = 0;
    header->holders.of = 0;
    header->holders.time = 0;
    return 0;
}

/* One that notes nothing holds what it held last: until now. */
static void end_now(struct mp_heap_header *header)
{
    int64_t now = mp_sum(mp_clock_ns(), mp_clock_wall_offset());
    int64_t elapsed = mp_difference(now, header->wall_start);
    if (elapsed > header->elapsed)
        header->elapsed = elapsed;
}

/* As if the recording had been stopped now. */
static int close_copy(struct copying *copying)
{
    struct mp_heap_header *header = copying->header;
    header->live = copying->live;
    header->peak = copying->peak > copying->live ? copying->peak : copying->live;
    header->tell = 0;
    header->answered = header->asked;
    header->types_answered = header->types_asked;
    header->holders.begun = header->holders.answered = header->holders.asked;
    header->holders.looked = header->holders.asked;
    if (mp_heap_writer_of(copying->from, header) == MP_WRITER_RUNS)
        end_now(header);
    header->clean = 1;
    return write_at(copying->to, (const char *)header, sizeof *header, 0);
}

static int copy(struct copying *copying)
{
    struct stat status;
    if (fstat(copying->from, &status))
        return -1;
    copying->size = status.st_size;
    int flags = fcntl(copying->to, F_GETFL); /* or each page would go to the end */
    if (flags < 0 || fcntl(copying->to, F_SETFL, flags & ~O_APPEND))
        return -1;
    if (ftruncate(copying->to, copying->size) || copy_chunks(copying))
        return -1;
    if (copying->header->clean)
        return 0;
    return drop_moments(copying) || drop_censuses(copying) || drop_holders(copying) ||
                   close_copy(copying)
               ? -1
               : 0;
}

enum mp_heap_problem mp_heap_copy(int from, int to)
{
    struct mp_heap_made made;
    struct copying copying = {.from = from, .to = to};
    copying.header = malloc(sizeof *copying.header);
    copying.chunk = malloc(MP_HEAP_CHUNK);
    enum mp_heap_problem problem = MP_HEAP_SYSTEM;
    if (copying.header && copying.chunk)
        problem = mp_heap_header_read(from, copying.header, &made);
    bool is_usual =
        !problem && made.version == MP_HEAP_VERSION &&
        copying.header->item_sizes[MP_HEAP_NODES] == sizeof(struct mp_heap_node);
    if (!problem && !is_usual && !copying.header->clean)
        problem = MP_HEAP_FUTURE;
    if (!problem && copy(&copying))
        problem = MP_HEAP_SYSTEM;
    int kept = errno;
    free(copying.header);
    free(copying.chunk);
    errno = kept;
    return problem;
}
