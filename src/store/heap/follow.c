#include "store/heap/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The analyzer loses sight of what is kept in an array. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

/* Of an item that was there, what may have changed since. */
enum { NODE_FIGURES = offsetof(struct mp_heap_node, epoch), LONGEST_NAME = 1 << 12 };

/* Whether this reader can go on where it was: later versions have longer items. */
static bool is_usual(const struct mp_heap_follow *follow)
{
    const struct mp_heap_header *header = follow->capture.view.header;
    if (follow->capture.found != MP_HEAP_VERSION)
        return false;
    for (int table = MP_HEAP_NODES; table <= MP_HEAP_THREADS; table++)
        if (header->item_sizes[table] != mp_heap_item_size((enum mp_heap_table)table))
            return false;
    return true;
}

static void count_chunks(size_t chunks[MP_HEAP_TABLES], const struct mp_heap_header *header,
                         int64_t size)
{
    memset(chunks, 0, MP_HEAP_TABLES * sizeof *chunks);
    for (int64_t i = 1; i < MP_HEAP_CHUNKS && header->owners[i]; i++)
        if (header->owners[i] < MP_HEAP_TABLES && i * MP_HEAP_CHUNK < size)
            chunks[header->owners[i]]++;
}

static int make_room(struct mp_heap_follow *follow, const size_t chunks[MP_HEAP_TABLES])
{
    for (int table = MP_HEAP_NODES; table <= MP_HEAP_THREADS; table++) {
        if (chunks[table] <= follow->chunks[table])
            continue;
        void *grown =
            realloc(follow->capture.tables[table], (chunks[table] + 1) * MP_HEAP_CHUNK);
        if (!grown)
            return -1;
        follow->capture.tables[table] = grown;
        follow->chunks[table] = chunks[table];
    }
    follow->capture.view.nodes = follow->capture.tables[MP_HEAP_NODES];
    follow->capture.view.codes = follow->capture.tables[MP_HEAP_CODES];
    follow->capture.view.text = follow->capture.tables[MP_HEAP_TEXT];
    follow->capture.view.threads = follow->capture.tables[MP_HEAP_THREADS];
    return 0;
}

/* All of the file that has the name now. */
static enum mp_heap_problem begin(struct mp_heap_follow *follow)
{
    struct stat status;
    size_t chunks[MP_HEAP_TABLES];
    int fd = open(follow->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &status)) {
        int kept = errno;
        if (fd >= 0)
            close(fd);
        errno = kept;
        return MP_HEAP_SYSTEM;
    }
    if (follow->fd >= 0)
        close(follow->fd);
    mp_heap_capture_release(&follow->capture);
    follow->fd = fd;
    follow->device = status.st_dev;
    follow->inode = status.st_ino;
    follow->session++;
    enum mp_heap_problem problem = mp_heap_read_fd(&follow->capture, fd);
    if (problem || fstat(fd, &status))
        return problem ? problem : MP_HEAP_SYSTEM;
    count_chunks(chunks, follow->capture.view.header, status.st_size);
    memset(follow->chunks, 0, sizeof follow->chunks); /* it may have grown since */
    return make_room(follow, chunks) ? MP_HEAP_SYSTEM : MP_HEAP_OK;
}

enum mp_heap_problem mp_heap_follow_open(struct mp_heap_follow *follow, const char *path)
{
    *follow = (struct mp_heap_follow){.path = strdup(path),
                                      .fd = -1,
                                      .chunk = malloc(MP_HEAP_CHUNK),
                                      .previous = malloc(sizeof *follow->previous)};
    if (!follow->path || !follow->chunk || !follow->previous) {
        errno = ENOMEM;
        return MP_HEAP_SYSTEM;
    }
    return begin(follow);
}

static enum mp_heap_problem damaged(struct mp_heap_follow *follow, const char *wrong)
{
    follow->capture.wrong = wrong;
    follow->capture.offset = 0;
    return MP_HEAP_DAMAGED;
}

/* Tables grow in place: where they do not, it is another recording's file. */
static bool is_same(const struct mp_heap_follow *follow, const struct mp_heap_header *now)
{
    const struct mp_heap_header *was = follow->capture.view.header;
    bool same =
        was->run == now->run && was->pid == now->pid && was->wall_start == now->wall_start;
    for (int table = MP_HEAP_NODES; table <= MP_HEAP_THREADS && same; table++)
        same = now->counts[table] >= follow->capture.view.counts[table];
    for (size_t i = 1; i < MP_HEAP_CHUNKS && same && was->owners[i]; i++)
        same = was->owners[i] == now->owners[i];
    return same;
}

/* Of nodes that were known the figures, of others all. A figure that is below nothing was read while it was
   written. */
static void copy_nodes(struct mp_heap_follow *follow, size_t first, size_t count)
{
    size_t known = follow->capture.view.counts[MP_HEAP_NODES];
    struct mp_heap_node *to =
        (struct mp_heap_node *)follow->capture.tables[MP_HEAP_NODES] + first;
    const struct mp_heap_node *from = follow->chunk;
    for (size_t i = 0; i < count; i++, to++, from++) {
        if (first + i >= known)
            *to = *from;
        else
            memcpy(&to->epoch, &from->epoch, sizeof *to - NODE_FIGURES);
        to->live = to->live > 0 ? to->live : 0;
        to->at_peak = to->at_peak > 0 ? to->at_peak : 0;
    }
}

/* The table's chunk of number `its`. What is known and does not change is not read. Nodes never cross
   from one chunk into the next. */
static int read_chunk(struct mp_heap_follow *follow, enum mp_heap_table table, size_t its,
                      int64_t offset, size_t end)
{
    size_t size = mp_heap_item_size(table), from = its * MP_HEAP_CHUNK, skip = 0;
    size_t known = follow->capture.view.counts[table] * size;
    char *to = (char *)follow->capture.tables[table] + from;
    bool grows_alone = table == MP_HEAP_TEXT || table == MP_HEAP_CODES;
    if (grows_alone && from + MP_HEAP_CHUNK <= known)
        return 0;
    if (grows_alone && known > from)
        skip = known - from;
    size_t length = end - from < MP_HEAP_CHUNK ? end - from : MP_HEAP_CHUNK;
    ssize_t got =
        mp_heap_read_at(follow->fd, table == MP_HEAP_NODES ? follow->chunk : to + skip,
                        length - skip, offset + (int64_t)skip);
    if (got < (ssize_t)(length - skip))
        return -1;
    if (table == MP_HEAP_NODES)
        copy_nodes(follow, from / size, length / size);
    follow->copied += (size_t)got;
    return 0;
}

/* Stops where the file does. */
static void read_table(struct mp_heap_follow *follow, enum mp_heap_table table)
{
    const struct mp_heap_header *header = follow->capture.view.header;
    size_t end = header->counts[table] * mp_heap_item_size(table), its = 0;
    size_t room = follow->chunks[table] * MP_HEAP_CHUNK;
    end = end < room ? end : room;
    for (int64_t i = 1; i < MP_HEAP_CHUNKS && header->owners[i]; i++) {
        if (header->owners[i] != table)
            continue;
        if (its * MP_HEAP_CHUNK >= end ||
            read_chunk(follow, table, its, i * MP_HEAP_CHUNK, end))
            break;
        its++;
    }
    size_t read = its * MP_HEAP_CHUNK < end ? its * MP_HEAP_CHUNK : end;
    size_t count = read / mp_heap_item_size(table);
    if (count > follow->capture.view.counts[table])
        follow->capture.view.counts[table] = count;
}

static bool is_outside(const struct mp_heap_view *view, struct mp_heap_text text)
{
    return (uint64_t)text.offset + text.length > view->counts[MP_HEAP_TEXT];
}

static enum mp_heap_problem check_codes(struct mp_heap_follow *follow, size_t from)
{
    const struct mp_heap_view *view = &follow->capture.view;
    struct mp_heap_code *codes = follow->capture.tables[MP_HEAP_CODES];
    for (size_t i = from; i < view->counts[MP_HEAP_CODES]; i++) {
        struct mp_heap_code *code = &codes[i];
        if (is_outside(view, code->name) || is_outside(view, code->file) ||
            is_outside(view, code->lines))
            return damaged(follow, "a text is not in the file");
        code->name.length =
            code->name.length < LONGEST_NAME ? code->name.length : LONGEST_NAME;
        code->file.length =
            code->file.length < LONGEST_NAME ? code->file.length : LONGEST_NAME;
    }
    return MP_HEAP_OK;
}

static enum mp_heap_problem check_nodes(struct mp_heap_follow *follow, size_t from)
{
    struct mp_heap_view *view = &follow->capture.view;
    for (size_t i = from; i < view->counts[MP_HEAP_NODES]; i++)
        if ((i ? view->nodes[i].parent >= i : view->nodes[i].parent != 0) ||
            view->nodes[i].code >= view->counts[MP_HEAP_CODES]) {
            view->counts[MP_HEAP_NODES] = i;
            return damaged(follow, "a stack has no place in the file");
        }
    return MP_HEAP_OK;
}

static enum mp_heap_problem read_tables(struct mp_heap_follow *follow, bool *changed)
{
    struct mp_heap_view *view = &follow->capture.view;
    size_t codes = view->counts[MP_HEAP_CODES], nodes = view->counts[MP_HEAP_NODES];
    *changed = true;
    read_table(follow, MP_HEAP_TEXT);
    read_table(follow, MP_HEAP_CODES);
    enum mp_heap_problem problem = check_codes(follow, codes);
    if (problem)
        view->counts[MP_HEAP_CODES] = codes;
    else
        read_table(follow, MP_HEAP_NODES);
    if (!problem)
        problem = check_nodes(follow, nodes);
    return problem;
}

/* Every block changes a thread's row: where these are as they were, so are the stacks. */
static bool is_quiet(const struct mp_heap_follow *follow, const void *threads, size_t size)
{
    const struct mp_heap_header *now = follow->capture.view.header, *was = follow->previous;
    return !memcmp(was->counts, now->counts, sizeof now->counts) &&
           was->live == now->live && was->epoch == now->epoch &&
           !memcmp(threads, follow->capture.tables[MP_HEAP_THREADS], size);
}

static enum mp_heap_problem go_on(struct mp_heap_follow *follow,
                                  size_t chunks[MP_HEAP_TABLES], bool *changed)
{
    size_t size =
        follow->capture.view.counts[MP_HEAP_THREADS] * sizeof(struct mp_heap_thread);
    void *threads = malloc(size + 1);
    if (!threads || make_room(follow, chunks)) {
        free(threads);
        return MP_HEAP_SYSTEM;
    }
    memcpy(threads, follow->capture.tables[MP_HEAP_THREADS], size);
    read_table(follow, MP_HEAP_THREADS);
    enum mp_heap_problem problem =
        is_quiet(follow, threads, size) ? MP_HEAP_OK : read_tables(follow, changed);
    free(threads);
    return problem;
}

static void find_writer(struct mp_heap_follow *follow)
{
    struct mp_heap_capture *capture = &follow->capture;
    capture->incomplete = NULL;
    if (!capture->view.header->clean)
        capture->writer = mp_heap_writer_of(follow->fd, capture->view.header);
}

enum mp_heap_problem mp_heap_follow_update(struct mp_heap_follow *follow, bool *changed)
{
    struct stat status;
    struct mp_heap_made made;
    size_t chunks[MP_HEAP_TABLES];
    *changed = false;
    if (!stat(follow->path, &status) &&
        (status.st_ino != follow->inode || status.st_dev != follow->device)) {
        *changed = true;
        return begin(follow);
    }
    struct mp_heap_header *header = follow->capture.tables[0];
    if (!header)
        return begin(follow);
    enum mp_heap_problem problem = mp_heap_header_read(follow->fd, follow->previous, &made);
    if (problem || fstat(follow->fd, &status))
        return problem ? problem : MP_HEAP_SYSTEM;
    bool is_closed = header->clean && follow->previous->clean;
    if (!is_usual(follow) || !is_same(follow, follow->previous)) {
        *changed = !is_closed || !is_same(follow, follow->previous);
        return *changed ? begin(follow) : MP_HEAP_OK;
    }
    if (follow->previous->series.bank > 1 ||
        follow->previous->series.count[follow->previous->series.bank] > MP_HEAP_POINTS)
        return damaged(follow, "the time series is larger than its place");
    struct mp_heap_header was = *header;
    *header = *follow->previous;
    *follow->previous = was;
    count_chunks(chunks, header, status.st_size);
    problem = go_on(follow, chunks, changed);
    *changed |= was.clean != header->clean;
    find_writer(follow);
    return problem;
}

void mp_heap_follow_release(struct mp_heap_follow *follow)
{
    if (follow->fd >= 0)
        close(follow->fd);
    mp_heap_capture_release(&follow->capture);
    free(follow->path);
    free(follow->chunk);
    free(follow->previous);
    *follow = (struct mp_heap_follow){.fd = -1};
}
