#include "store/heap_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONGEST_NAME = 1 << 14 };

/* What there is of the file, and where each table's chunks are in it. */
struct reading {
    struct mp_heap_capture *capture;
    struct mp_heap_header *header;
    int fd;
    size_t got[MP_HEAP_TABLES]; /* bytes read of each table */
};

/* Where byte `at` of a table is in the file. */
static int64_t offset_of(const struct mp_heap_header *header, enum mp_heap_table table,
                         size_t at)
{
    size_t before = at / MP_HEAP_CHUNK;
    for (int64_t chunk = 1; chunk < MP_HEAP_CHUNKS; chunk++)
        if (header->owners[chunk] == table && before-- == 0)
            return chunk * MP_HEAP_CHUNK + (int64_t)(at % MP_HEAP_CHUNK);
    return -1;
}

static enum mp_heap_problem damaged(struct reading *reading, const char *wrong,
                                    int64_t offset)
{
    reading->capture->wrong = wrong;
    reading->capture->offset = offset;
    return MP_HEAP_DAMAGED;
}

static enum mp_heap_problem bad_item(struct reading *reading, enum mp_heap_table table,
                                     size_t index, const char *wrong)
{
    size_t at = index * mp_heap_item_size(table);
    return damaged(reading, wrong, offset_of(reading->header, table, at));
}

/* As many bytes as there are, or -1. */
static ssize_t read_at(int fd, char *to, size_t length, int64_t offset)
{
    size_t done = 0;
    while (done < length) {
        ssize_t got = pread(fd, to + done, length - done, offset + (int64_t)done);
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

static enum mp_heap_problem read_header(struct reading *reading)
{
    struct mp_heap_header *header = reading->header;
    ssize_t got = read_at(reading->fd, (char *)header, sizeof *header, 0);
    if (got < 0)
        return MP_HEAP_SYSTEM;
    if ((size_t)got < offsetof(struct mp_heap_header, header_size) ||
        memcmp(header->magic, MP_HEAP_MAGIC, sizeof header->magic) != 0)
        return MP_HEAP_FOREIGN;
    reading->capture->found = header->version;
    if (header->version != MP_HEAP_VERSION)
        return MP_HEAP_FUTURE;
    if ((size_t)got < sizeof *header)
        return damaged(reading, "the file ends in its header", got);
    if (header->header_size != sizeof *header ||
        header->node_size != sizeof(struct mp_heap_node))
        return damaged(reading, "sizes are not those of this version",
                       (int64_t)offsetof(struct mp_heap_header, header_size));
    return MP_HEAP_OK;
}

static enum mp_heap_problem check_series(struct reading *reading)
{
    const struct mp_heap_series *series = &reading->header->series;
    int64_t at = (int64_t)offsetof(struct mp_heap_header, series.bank);
    if (series->bank > 1 || series->count[series->bank & 1] > MP_HEAP_POINTS)
        return damaged(reading, "the time series is larger than its place", at);
    return MP_HEAP_OK;
}

/* The chunks of each table, counted; a number that is no table is damage. */
static enum mp_heap_problem count_chunks(struct reading *reading,
                                         size_t chunks[MP_HEAP_TABLES])
{
    const uint8_t *owners = reading->header->owners;
    bool ended = false;
    for (size_t i = 1; i < MP_HEAP_CHUNKS; i++) {
        if (owners[i] >= MP_HEAP_TABLES || (ended && owners[i]))
            return damaged(reading, "a chunk belongs to no table",
                           (int64_t)(offsetof(struct mp_heap_header, owners) + i));
        ended = !owners[i];
        chunks[owners[i]]++;
    }
    return MP_HEAP_OK;
}

/* Stops at the first gap: what is behind it has lost its numbers. */
static enum mp_heap_problem read_chunks(struct reading *reading)
{
    bool cut[MP_HEAP_TABLES] = {0};
    for (int64_t i = 1; i < MP_HEAP_CHUNKS && reading->header->owners[i]; i++) {
        enum mp_heap_table table = (enum mp_heap_table)reading->header->owners[i];
        if (cut[table])
            continue;
        char *to = (char *)reading->capture->tables[table] + reading->got[table];
        ssize_t got = read_at(reading->fd, to, MP_HEAP_CHUNK, i * MP_HEAP_CHUNK);
        if (got < 0)
            return MP_HEAP_SYSTEM;
        reading->got[table] += (size_t)got;
        cut[table] = got < MP_HEAP_CHUNK;
    }
    return MP_HEAP_OK;
}

/* More items than there is room for in their chunks is damage; a file cut short is not. */
static enum mp_heap_problem set_counts(struct reading *reading,
                                       const size_t chunks[MP_HEAP_TABLES])
{
    struct mp_heap_capture *capture = reading->capture;
    for (int table = MP_HEAP_NODES; table < MP_HEAP_TABLES; table++) {
        size_t size = mp_heap_item_size((enum mp_heap_table)table);
        uint64_t said = reading->header->counts[table];
        if (said > chunks[table] * MP_HEAP_CHUNK / size)
            return damaged(reading, "a table is larger than its chunks",
                           (int64_t)(offsetof(struct mp_heap_header, counts) +
                                     (size_t)table * sizeof said));
        size_t there = reading->got[table] / size;
        if (said > there)
            capture->incomplete = "the file was cut short";
        capture->view.counts[table] = said < there ? said : there;
    }
    return MP_HEAP_OK;
}

static enum mp_heap_problem read_tables(struct reading *reading)
{
    size_t chunks[MP_HEAP_TABLES] = {0};
    struct mp_heap_capture *capture = reading->capture;
    enum mp_heap_problem problem = count_chunks(reading, chunks);
    for (int table = MP_HEAP_NODES; table < MP_HEAP_TABLES && !problem; table++) {
        capture->tables[table] = calloc(chunks[table] + 1, MP_HEAP_CHUNK);
        if (!capture->tables[table])
            problem = MP_HEAP_SYSTEM;
    }
    if (!problem)
        problem = read_chunks(reading);
    if (!problem)
        problem = set_counts(reading, chunks);
    capture->view.header = reading->header;
    capture->view.nodes = capture->tables[MP_HEAP_NODES];
    capture->view.codes = capture->tables[MP_HEAP_CODES];
    capture->view.text = capture->tables[MP_HEAP_TEXT];
    capture->view.threads = capture->tables[MP_HEAP_THREADS];
    return problem;
}

static bool is_cut(const struct reading *reading, enum mp_heap_table table)
{
    return reading->capture->view.counts[table] < reading->header->counts[table];
}

static bool is_outside(const struct mp_heap_view *view, struct mp_heap_text text)
{
    return (uint64_t)text.offset + text.length > view->counts[MP_HEAP_TEXT];
}

/* A text that was cut away is an empty one; of a name longer than any path, the beginning is
   enough. There is always a code 0. */
static enum mp_heap_problem check_codes(struct reading *reading)
{
    struct mp_heap_view *view = &reading->capture->view;
    struct mp_heap_code *codes = reading->capture->tables[MP_HEAP_CODES];
    bool cut = is_cut(reading, MP_HEAP_TEXT);
    const uint32_t most[] = {LONGEST_NAME, LONGEST_NAME, UINT32_MAX};
    if (!view->counts[MP_HEAP_CODES])
        codes[0] = (struct mp_heap_code){0};
    for (size_t i = 0; i < view->counts[MP_HEAP_CODES]; i++) {
        struct mp_heap_text *texts[] = {&codes[i].name, &codes[i].file, &codes[i].lines};
        for (int which = 0; which < 3; which++) {
            if (!is_outside(view, *texts[which])) {
                if (texts[which]->length > most[which])
                    texts[which]->length = most[which];
                continue;
            }
            if (!cut)
                return bad_item(reading, MP_HEAP_CODES, i, "a text is not in the file");
            *texts[which] = (struct mp_heap_text){0};
        }
    }
    return MP_HEAP_OK;
}

static enum mp_heap_problem check_nodes(struct reading *reading)
{
    struct mp_heap_view *view = &reading->capture->view;
    struct mp_heap_node *nodes = reading->capture->tables[MP_HEAP_NODES];
    bool cut = is_cut(reading, MP_HEAP_CODES);
    for (size_t i = 0; i < view->counts[MP_HEAP_NODES]; i++) {
        if (i ? nodes[i].parent >= i : nodes[i].parent != 0)
            return bad_item(reading, MP_HEAP_NODES, i, "a stack's parent is not above it");
        if (mp_heap_live(&nodes[i]) < 0 || nodes[i].at_peak < 0)
            return bad_item(reading, MP_HEAP_NODES, i, "a stack holds less than nothing");
        if (nodes[i].code < view->counts[MP_HEAP_CODES])
            continue;
        if (!cut)
            return bad_item(reading, MP_HEAP_NODES, i, "a stack's code is not in the file");
        nodes[i].code = 0;
    }
    return MP_HEAP_OK;
}

static enum mp_heap_problem read_all(struct reading *reading)
{
    enum mp_heap_problem problem = read_header(reading);
    if (!problem)
        problem = check_series(reading);
    if (!problem)
        problem = read_tables(reading);
    if (!problem)
        problem = check_codes(reading);
    if (!problem)
        problem = check_nodes(reading);
    if (!problem && !reading->header->clean && !reading->capture->incomplete)
        reading->capture->incomplete = "the program was killed, or is still running";
    return problem;
}

enum mp_heap_problem mp_heap_read_fd(struct mp_heap_capture *capture, int fd)
{
    *capture = (struct mp_heap_capture){0};
    struct stat status;
    struct reading reading = {.capture = capture, .fd = fd};
    if (fstat(fd, &status))
        return MP_HEAP_SYSTEM;
    if (!S_ISREG(status.st_mode))
        return MP_HEAP_FOREIGN;
    reading.header = capture->tables[0] = calloc(1, sizeof *reading.header);
    return reading.header ? read_all(&reading) : MP_HEAP_SYSTEM;
}

enum mp_heap_problem mp_heap_read(struct mp_heap_capture *capture, const char *path)
{
    *capture = (struct mp_heap_capture){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return MP_HEAP_SYSTEM;
    enum mp_heap_problem problem = mp_heap_read_fd(capture, fd);
    int kept = errno;
    close(fd);
    errno = kept;
    return problem;
}

int64_t mp_heap_started(const char *path)
{
    char start[offsetof(struct mp_heap_header, elapsed)];
    struct stat status;
    int64_t wall = 0;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    ssize_t got = fd >= 0 && !fstat(fd, &status) && S_ISREG(status.st_mode)
                      ? read_at(fd, start, sizeof start, 0)
                      : -1;
    if (fd >= 0)
        close(fd);
    if (got < (ssize_t)sizeof MP_HEAP_MAGIC - 1 ||
        memcmp(start, MP_HEAP_MAGIC, sizeof MP_HEAP_MAGIC - 1) != 0)
        return -1;
    if (got == (ssize_t)sizeof start)
        memcpy(&wall, start + offsetof(struct mp_heap_header, wall_start), sizeof wall);
    return wall > 0 ? wall : 0;
}

/* Whether all of a part of the header is there. */
static bool read_part(const char *path, void *to, size_t size, size_t offset)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read_at(fd, to, size, (off_t)offset);
    if (fd >= 0)
        close(fd);
    return got == (ssize_t)size;
}

void mp_heap_words(const char *path, char words[MP_HEAP_COMMAND])
{
    if (!read_part(path, words, MP_HEAP_COMMAND, offsetof(struct mp_heap_header, command)))
        *words = 0;
    words[MP_HEAP_COMMAND - 1] = 0;
}

uint64_t mp_heap_sample(const char *path)
{
    uint64_t sample;
    char start[offsetof(struct mp_heap_header, sample) + sizeof sample];
    if (!read_part(path, start, sizeof start, 0) ||
        memcmp(start, MP_HEAP_MAGIC, sizeof MP_HEAP_MAGIC - 1) != 0)
        return 0;
    memcpy(&sample, start + offsetof(struct mp_heap_header, sample), sizeof sample);
    return sample;
}

void mp_heap_capture_release(struct mp_heap_capture *capture)
{
    for (int table = 0; table < MP_HEAP_TABLES; table++)
        free(capture->tables[table]);
    *capture = (struct mp_heap_capture){0};
}
