#include "store/heap/spare.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/heap/header.h"

enum { MOST_MOMENTS = MP_HEAP_CHUNK / sizeof(struct mp_heap_moment) };

/* From `used` bytes of a stretch on. */
static void punch(int fd, off_t start, size_t used, size_t length)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    used = used < length ? (used + page - 1) / page * page : length;
    if (used < length)
        fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, start + (off_t)used,
                  (off_t)(length - used));
}

/* Of a chunk of entries, each of which is some moments'. */
static void give_back_slots(int fd, const struct mp_heap_header *header,
                            const struct mp_heap_moment *moments, size_t first, off_t start)
{
    const size_t size = MP_HEAP_SLOT * sizeof(struct mp_heap_holding);
    for (size_t i = 0; i < MP_HEAP_CHUNK / size; i++) {
        size_t at = first + i;
        bool is_one =
            at < header->counts[MP_HEAP_MOMENTS] && at < MOST_MOMENTS && moments[at].stamp;
        punch(fd, start + (off_t)(i * size),
              is_one ? moments[at].count * sizeof(struct mp_heap_holding) : 0, size);
    }
}

void mp_heap_give_back(int fd, const struct mp_heap_header *header,
                       const struct mp_heap_moment *moments, unsigned chunks)
{
    size_t before[MP_HEAP_TABLES] = {0};
    for (unsigned i = 0; i < chunks; i++) {
        enum mp_heap_table table = (enum mp_heap_table)header->owners[i];
        if (table >= MP_HEAP_TABLES)
            return;
        size_t used =
            table ? header->counts[table] * mp_heap_item_size(table) : sizeof *header;
        size_t first = before[table];
        off_t start = (off_t)i * MP_HEAP_CHUNK;
        before[table] += MP_HEAP_CHUNK;
        if (table == MP_HEAP_ENTRIES)
            give_back_slots(fd, header, moments,
                            first / MP_HEAP_SLOT / sizeof(struct mp_heap_holding), start);
        else
            punch(fd, start, used > first ? used - first : 0, MP_HEAP_CHUNK);
    }
}

/* A table of one chunk; none is as if it were empty. */
static void read_moments(int fd, const struct mp_heap_header *header, unsigned chunks,
                         struct mp_heap_moment *moments)
{
    for (unsigned i = 1; i < chunks; i++)
        if (header->owners[i] == MP_HEAP_MOMENTS) {
            mp_heap_read_at(fd, moments, MOST_MOMENTS * sizeof *moments,
                            (int64_t)i * MP_HEAP_CHUNK);
            return;
        }
}

/* A newer recorder's items, and its header, may be longer: what looks unused there is not. */
static bool has_our_sizes(const struct mp_heap_header *header)
{
    bool ours = header->header_size == sizeof *header;
    for (int table = MP_HEAP_NODES; table < MP_HEAP_TABLES; table++)
        ours = ours &&
               header->item_sizes[table] == mp_heap_item_size((enum mp_heap_table)table);
    return ours;
}

void mp_heap_give_back_of(const char *path)
{
    struct stat status;
    struct mp_heap_made made;
    struct mp_heap_header *header = malloc(sizeof *header);
    struct mp_heap_moment *moments = calloc(MOST_MOMENTS, sizeof *moments);
    int fd =
        header && moments ? open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;
    if (fd >= 0 && !fstat(fd, &status) && S_ISREG(status.st_mode) &&
        mp_heap_header_read(fd, header, &made) == MP_HEAP_OK &&
        made.version == MP_HEAP_VERSION && header->clean && has_our_sizes(header)) {
        off_t chunks = status.st_size / MP_HEAP_CHUNK;
        unsigned count = chunks < MP_HEAP_CHUNKS ? (unsigned)chunks : MP_HEAP_CHUNKS;
        read_moments(fd, header, count, moments);
        mp_heap_give_back(fd, header, moments, count);
    }
    if (fd >= 0)
        close(fd);
    free(header);
    free(moments);
}
