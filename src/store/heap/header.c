#include "store/heap/header.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "store/identity/identity.h"
#include "store/heap/version1.h"

ssize_t mp_heap_read_at(int fd, void *to, size_t length, int64_t offset)
{
    size_t done = 0;
    while (done < length) {
        ssize_t got = pread(fd, (char *)to + done, length - done, offset + (int64_t)done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (!got)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

static enum mp_heap_problem damaged(struct mp_heap_made *made, const char *wrong,
                                    size_t offset)
{
    made->wrong = wrong;
    made->offset = (int64_t)offset;
    return MP_HEAP_DAMAGED;
}

/* What a table's items begin with is known, however long they are. Text has no items. Of the tables
   behind the threads a file may have none. */
static enum mp_heap_problem check_item(const struct mp_heap_header *header, size_t table,
                                       struct mp_heap_made *made)
{
    size_t its = header->item_sizes[table];
    size_t known =
        table < MP_HEAP_TABLES ? mp_heap_item_size((enum mp_heap_table)table) : 0;
    bool is_right = !its || (table == MP_HEAP_TEXT ? its == known : its >= known);
    if (is_right && its <= MP_HEAP_CHUNK && (its || !header->counts[table]))
        return MP_HEAP_OK;
    return damaged(made, "items of a table are not those of this version",
                   offsetof(struct mp_heap_header, item_sizes) + table * sizeof(uint32_t));
}

/* A longer header is one with more behind what is known. The first of this version ended before the
   identity: what a file has not is empty, or 0. */
static enum mp_heap_problem check(struct mp_heap_header *header, size_t got,
                                  struct mp_heap_made *made)
{
    const size_t least = offsetof(struct mp_heap_header, identity);
    if (got < sizeof *header)
        return damaged(made, "the file ends in its header", got);
    if (header->header_size < least || header->header_size > MP_HEAP_CHUNK)
        return damaged(made, "sizes are not those of this version",
                       offsetof(struct mp_heap_header, header_size));
    if (header->header_size < sizeof *header)
        memset((char *)header + header->header_size, 0,
               sizeof *header - header->header_size);
    mp_identity_end(&header->identity);
    enum mp_heap_problem problem = MP_HEAP_OK;
    for (size_t table = MP_HEAP_NODES; table < MP_HEAP_DIRECTORY && !problem; table++)
        problem = check_item(header, table, made);
    return problem;
}

enum mp_heap_problem mp_heap_header_read(int fd, struct mp_heap_header *header,
                                         struct mp_heap_made *made)
{
    *made = (struct mp_heap_made){.counts = offsetof(struct mp_heap_header, counts),
                                  .owners = offsetof(struct mp_heap_header, owners),
                                  .bank = offsetof(struct mp_heap_header, series.bank)};
    ssize_t got = mp_heap_read_at(fd, header, sizeof *header, 0);
    if (got < 0)
        return MP_HEAP_SYSTEM;
    if ((size_t)got < offsetof(struct mp_heap_header, header_size) ||
        memcmp(header->magic, MP_HEAP_MAGIC, sizeof header->magic) != 0)
        return MP_HEAP_FOREIGN;
    made->version = header->version;
    if (header->version == MP_HEAP_VERSION1)
        return mp_heap_version1_convert(header, (size_t)got, made);
    return header->version == MP_HEAP_VERSION ? check(header, (size_t)got, made)
                                              : MP_HEAP_FUTURE;
}
