#include "store/heap/read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/heap/bundle.h"
#include "store/heap/holders.h"
#include "store/heap/moments.h"
#include "store/heap/tags.h"
#include "store/heap/texts.h"
#include "store/heap/types.h"
#include "store/heap/version1.h"
#include "store/heap/waste.h"

/* The analyzer loses sight of what is kept in an array. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

enum { LONGEST_NAME = 1 << 12 /* a path's */, LINES = 2 /* of a code's texts */ };

/* What there is of the file, and where each table's chunks are in it. */
struct reading {
    struct mp_heap_capture *capture;
    struct mp_heap_header *header;
    struct mp_heap_made made;
    int fd;
    int64_t size;               /* of the file: nothing behind it is read */
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
    size_t at = index * reading->header->item_sizes[table];
    return damaged(reading, wrong, offset_of(reading->header, table, at));
}

static enum mp_heap_problem read_header(struct reading *reading)
{
    struct mp_heap_made *made = &reading->made;
    enum mp_heap_problem problem = mp_heap_header_read(reading->fd, reading->header, made);
    reading->capture->found = made->version;
    return problem == MP_HEAP_DAMAGED ? damaged(reading, made->wrong, made->offset)
                                      : problem;
}

/* A file that grows has what its header says: the size is taken behind it. */
static enum mp_heap_problem find_size(struct reading *reading)
{
    struct stat status;
    if (fstat(reading->fd, &status))
        return MP_HEAP_SYSTEM;
    reading->size = status.st_size;
    return MP_HEAP_OK;
}

static bool is_there(const struct reading *reading, int64_t chunk)
{
    return chunk < MP_HEAP_CHUNKS && chunk * MP_HEAP_CHUNK < reading->size;
}

static enum mp_heap_problem check_series(struct reading *reading)
{
    const struct mp_heap_series *series = &reading->header->series;
    if (series->bank > 1 || series->count[series->bank & 1] > MP_HEAP_POINTS)
        return damaged(reading, "the time series is larger than its place",
                       (int64_t)reading->made.bank);
    return MP_HEAP_OK;
}

/* The chunks that a table is said to have, and those of them that begin in the file. */
struct chunks {
    size_t said[MP_HEAP_DIRECTORY], there[MP_HEAP_DIRECTORY];
};

/* Whether the file has a table of this number, known or not. */
static bool is_table(const struct reading *reading, unsigned table)
{
    return !table || (table < MP_HEAP_DIRECTORY && reading->header->item_sizes[table]);
}

/* Counts them; a number that is no table is damage. */
static enum mp_heap_problem count_chunks(struct reading *reading, struct chunks *chunks)
{
    const uint8_t *owners = reading->header->owners;
    bool ended = false;
    for (size_t i = 1; i < MP_HEAP_CHUNKS; i++) {
        if (!is_table(reading, owners[i]) || (ended && owners[i]))
            return damaged(reading, "a chunk belongs to no table",
                           (int64_t)(reading->made.owners + i));
        ended = !owners[i];
        chunks->said[owners[i]]++;
        chunks->there[owners[i]] += is_there(reading, (int64_t)i);
    }
    return MP_HEAP_OK;
}

/* Stops at the first gap: what is behind it has lost its numbers. Tables that are not known are
   skipped. */
static enum mp_heap_problem read_chunks(struct reading *reading)
{
    bool cut[MP_HEAP_TABLES] = {0};
    for (int64_t i = 1; is_there(reading, i) && reading->header->owners[i]; i++) {
        enum mp_heap_table table = (enum mp_heap_table)reading->header->owners[i];
        if (table >= MP_HEAP_TABLES || cut[table])
            continue;
        char *to = (char *)reading->capture->tables[table] + reading->got[table];
        ssize_t got = mp_heap_read_at(reading->fd, to, MP_HEAP_CHUNK, i * MP_HEAP_CHUNK);
        if (got < 0)
            return MP_HEAP_SYSTEM;
        reading->got[table] += (size_t)got;
        cut[table] = got < MP_HEAP_CHUNK;
    }
    return MP_HEAP_OK;
}

/* Of items that are longer than those known, what is known. */
static void cut_items(struct reading *reading, enum mp_heap_table table, size_t count)
{
    size_t its = reading->header->item_sizes[table], known = mp_heap_item_size(table);
    char *items = reading->capture->tables[table];
    for (size_t i = 1; i < count && its != known; i++)
        memmove(items + i * known, items + i * its, known);
}

/* More items than there is room for in their chunks is damage; a file cut short is not. */
static enum mp_heap_problem set_counts(struct reading *reading, const struct chunks *chunks)
{
    struct mp_heap_capture *capture = reading->capture;
    for (int table = MP_HEAP_NODES; table < MP_HEAP_TABLES; table++) {
        size_t size = reading->header->item_sizes[table];
        if (!size) /* the file has no such table */
            continue;
        uint64_t said = reading->header->counts[table];
        if (said > chunks->said[table] * MP_HEAP_CHUNK / size)
            return damaged(reading, "a table is larger than its chunks",
                           (int64_t)(reading->made.counts + (size_t)table * sizeof said));
        size_t there = reading->got[table] / size;
        if (said > there)
            capture->incomplete = "the file was cut short";
        capture->view.counts[table] = said < there ? said : there;
        cut_items(reading, (enum mp_heap_table)table, capture->view.counts[table]);
    }
    return MP_HEAP_OK;
}

/* Room for what there is of each table. */
static enum mp_heap_problem make_room(struct mp_heap_capture *capture,
                                      const struct chunks *chunks)
{
    for (int table = MP_HEAP_NODES; table < MP_HEAP_TABLES; table++)
        if (!(capture->tables[table] = calloc(chunks->there[table] + 1, MP_HEAP_CHUNK)))
            return MP_HEAP_SYSTEM;
    return MP_HEAP_OK;
}

static enum mp_heap_problem read_tables(struct reading *reading)
{
    struct chunks chunks = {0};
    struct mp_heap_capture *capture = reading->capture;
    enum mp_heap_problem problem = count_chunks(reading, &chunks);
    if (!problem)
        problem = make_room(capture, &chunks);
    if (!problem)
        problem = read_chunks(reading);
    if (!problem)
        problem = set_counts(reading, &chunks);
    capture->view.header = reading->header;
    capture->view.nodes = capture->tables[MP_HEAP_NODES];
    capture->view.codes = capture->tables[MP_HEAP_CODES];
    capture->view.text = capture->tables[MP_HEAP_TEXT];
    capture->view.threads = capture->tables[MP_HEAP_THREADS];
    capture->view.moments = capture->tables[MP_HEAP_MOMENTS];
    capture->view.entries = capture->tables[MP_HEAP_ENTRIES];
    capture->view.sources = capture->tables[MP_HEAP_SOURCES];
    capture->view.source_lines = capture->tables[MP_HEAP_SOURCE_LINES];
    capture->view.types = capture->tables[MP_HEAP_TYPES];
    capture->view.tags = capture->tables[MP_HEAP_TAGS];
    capture->view.holders = capture->tables[MP_HEAP_HOLDERS];
    capture->view.waste = capture->tables[MP_HEAP_WASTE];
    capture->view.typed = capture->tables[MP_HEAP_TYPED];
    capture->view.censuses = capture->tables[MP_HEAP_CENSUSES];
    capture->view.typed_then = capture->tables[MP_HEAP_TYPED_THEN];
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

/* A text that was cut away is an empty one, a line table still that of a function; of a name longer than any path, the beginning is
   enough. There is always a code 0. */
static enum mp_heap_problem check_codes(struct reading *reading)
{
    struct mp_heap_view *view = &reading->capture->view;
    struct mp_heap_code *codes = reading->capture->tables[MP_HEAP_CODES];
    bool cut = is_cut(reading, MP_HEAP_TEXT);
    const uint32_t most[] = {LONGEST_NAME, LONGEST_NAME, UINT32_MAX};
    if (!view->counts[MP_HEAP_CODES])
        codes[0] = (struct mp_heap_code){0};
    if (reading->made.version == MP_HEAP_VERSION1)
        mp_heap_version1_codes(codes, view->counts[MP_HEAP_CODES]);
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
            *texts[which] = (struct mp_heap_text){.offset = which == LINES};
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

/* The numbers of lines ascend, and their texts are together no more than there is text. What was cut
   away is not there. */
static enum mp_heap_problem check_source(struct reading *reading, size_t index,
                                         uint64_t *bytes)
{
    const struct mp_heap_view *view = &reading->capture->view;
    const struct mp_heap_source *source = &view->sources[index];
    uint32_t before = 0;
    if (is_outside(view, source->file) || is_outside(view, source->label))
        return bad_item(reading, MP_HEAP_SOURCES, index, "a text is not in the file");
    if ((uint64_t)source->first + source->count > view->counts[MP_HEAP_SOURCE_LINES])
        return bad_item(reading, MP_HEAP_SOURCES, index, "its lines are not in the file");
    for (size_t i = source->first; i < source->first + source->count; i++) {
        const struct mp_heap_source_line *line = &view->source_lines[i];
        if (is_outside(view, line->text) ||
            (*bytes += line->text.length) > view->counts[MP_HEAP_TEXT])
            return bad_item(reading, MP_HEAP_SOURCE_LINES, i, "a text is not in the file");
        if (line->number <= before || line->number > MP_HEAP_SOURCE_MOST)
            return bad_item(reading, MP_HEAP_SOURCE_LINES, i, "lines are not in order");
        before = line->number;
    }
    *bytes += source->file.length + source->label.length;
    return *bytes > view->counts[MP_HEAP_TEXT]
               ? bad_item(reading, MP_HEAP_SOURCES, index, "texts overlap")
               : MP_HEAP_OK;
}

static enum mp_heap_problem check_sources(struct reading *reading)
{
    struct mp_heap_view *view = &reading->capture->view;
    enum mp_heap_problem problem = MP_HEAP_OK;
    uint64_t bytes = 0;
    if (is_cut(reading, MP_HEAP_TEXT) || is_cut(reading, MP_HEAP_SOURCE_LINES))
        view->counts[MP_HEAP_SOURCES] = 0;
    for (size_t i = 0; i < view->counts[MP_HEAP_SOURCES] && !problem; i++)
        problem = check_source(reading, i, &bytes);
    return problem;
}

/* What is at byte `at` of a table that is being written to. */
static bool has_stamp(const struct reading *reading, enum mp_heap_table table, size_t at,
                      uint32_t stamp)
{
    uint32_t now;
    return mp_heap_read_at(reading->fd, &now, sizeof now,
                           offset_of(reading->header, table, at)) == (ssize_t)sizeof now &&
           now == stamp;
}

/* One may have been replaced by another while its rows were read. */
static bool is_census_still_there(const struct reading *reading, size_t i)
{
    size_t at = i * reading->header->item_sizes[MP_HEAP_CENSUSES] +
                offsetof(struct mp_heap_census, stamp);
    return has_stamp(reading, MP_HEAP_CENSUSES, at,
                     reading->capture->view.censuses[i].stamp);
}

/* Of a file that is being written to what leads nowhere is not there yet. */
static enum mp_heap_problem check_censuses(struct reading *reading)
{
    struct mp_heap_view *view = &reading->capture->view;
    struct mp_heap_census *censuses = reading->capture->tables[MP_HEAP_CENSUSES];
    bool may_lack = !reading->header->clean || is_cut(reading, MP_HEAP_TYPED_THEN);
    size_t rows = 0;
    if (is_cut(reading, MP_HEAP_TEXT) || is_cut(reading, MP_HEAP_TYPES) ||
        is_cut(reading, MP_HEAP_NODES))
        view->counts[MP_HEAP_CENSUSES] = 0;
    for (size_t i = 0; i < view->counts[MP_HEAP_CENSUSES]; i++) {
        if (censuses[i].stamp && !reading->header->clean &&
            !is_census_still_there(reading, i))
            censuses[i].stamp = 0;
        const char *wrong = mp_heap_census_check(view, &censuses[i], &rows);
        if (wrong && may_lack)
            censuses[i].stamp = 0;
        else if (wrong)
            return bad_item(reading, MP_HEAP_CENSUSES, i, wrong);
    }
    return MP_HEAP_OK;
}

/* What was cut away is not there. */
static enum mp_heap_problem check_types(struct reading *reading)
{
    struct mp_heap_view *view = &reading->capture->view;
    enum mp_heap_table table;
    size_t at;
    if (is_cut(reading, MP_HEAP_TEXT) || is_cut(reading, MP_HEAP_TYPES) ||
        is_cut(reading, MP_HEAP_NODES) || is_cut(reading, MP_HEAP_TYPED))
        view->counts[MP_HEAP_TYPES] = view->counts[MP_HEAP_TYPED] = 0;
    const char *wrong = mp_heap_types_check(view, &table, &at);
    return wrong ? bad_item(reading, table, at, wrong) : check_censuses(reading);
}

static enum mp_heap_problem check_tags(struct reading *reading)
{
    size_t at;
    struct mp_heap_view *view = &reading->capture->view;
    if (is_cut(reading, MP_HEAP_TEXT) || is_cut(reading, MP_HEAP_NODES))
        view->counts[MP_HEAP_TAGS] = 0;
    const char *wrong = mp_heap_tags_check(view, &at);
    return wrong ? bad_item(reading, MP_HEAP_TAGS, at, wrong) : MP_HEAP_OK;
}

typedef const char *check_table(const struct mp_heap_view *, size_t *at);

static enum mp_heap_problem check_rows(struct reading *reading, enum mp_heap_table table,
                                       check_table *check)
{
    size_t at;
    struct mp_heap_view *view = &reading->capture->view;
    if (is_cut(reading, MP_HEAP_TEXT) || is_cut(reading, table))
        view->counts[table] = 0;
    const char *wrong = check(view, &at);
    return wrong ? bad_item(reading, table, at, wrong) : MP_HEAP_OK;
}

/* Its cost is the number of items, whatever their texts. */
static enum mp_heap_problem check_texts(struct reading *reading)
{
    struct mp_heap_texts_problem problem;
    size_t bytes = 0;
    for (int table = MP_HEAP_NODES; table < MP_HEAP_TABLES; table++)
        bytes += reading->got[table];
    if (mp_heap_texts_check(&reading->capture->view, bytes, &problem))
        return MP_HEAP_SYSTEM;
    return problem.wrong ? bad_item(reading, MP_HEAP_CODES, problem.code, problem.wrong)
                         : MP_HEAP_OK;
}

/* A moment may have been replaced by another while its entries were read. */
static bool is_still_there(const struct reading *reading, size_t i)
{
    size_t at = i * reading->header->item_sizes[MP_HEAP_MOMENTS] +
                offsetof(struct mp_heap_moment, stamp);
    return has_stamp(reading, MP_HEAP_MOMENTS, at, reading->capture->view.moments[i].stamp);
}

static enum mp_heap_problem check_moments(struct reading *reading)
{
    struct mp_heap_view *view = &reading->capture->view;
    struct mp_heap_moment *moments = reading->capture->tables[MP_HEAP_MOMENTS];
    struct mp_heap_moments_lack lack = {.nodes = !reading->header->clean ||
                                                 is_cut(reading, MP_HEAP_NODES),
                                        .entries = is_cut(reading, MP_HEAP_ENTRIES)};
    for (size_t i = 0; i < view->counts[MP_HEAP_MOMENTS]; i++) {
        if (moments[i].stamp && !reading->header->clean && !is_still_there(reading, i))
            moments[i].stamp = 0;
        const char *wrong = mp_heap_moment_check(
            view, &moments[i], reading->capture->tables[MP_HEAP_ENTRIES], i, &lack);
        if (wrong)
            return bad_item(reading, MP_HEAP_MOMENTS, i, wrong);
    }
    return MP_HEAP_OK;
}

static enum mp_heap_problem read_all(struct reading *reading)
{
    enum mp_heap_problem problem = read_header(reading);
    if (!problem)
        problem = find_size(reading);
    if (!problem)
        problem = check_series(reading);
    if (!problem)
        problem = read_tables(reading);
    if (!problem)
        problem = check_codes(reading);
    if (!problem)
        problem = check_nodes(reading);
    if (!problem)
        problem = check_moments(reading);
    if (!problem)
        problem = check_sources(reading);
    if (!problem)
        problem = check_types(reading);
    if (!problem)
        problem = check_tags(reading);
    if (!problem)
        problem = check_rows(reading, MP_HEAP_HOLDERS, mp_heap_holders_check);
    if (!problem)
        problem = check_rows(reading, MP_HEAP_WASTE, mp_heap_waste_check);
    if (!problem)
        problem = check_texts(reading);
    if (!problem && !reading->header->clean) {
        reading->capture->writer = mp_heap_writer_of(reading->fd, reading->header);
        reading->capture->view.lives = reading->capture->writer == MP_WRITER_RUNS ||
                                       reading->header->followed & MP_HEAP_LIVED;
        if (!reading->capture->incomplete)
            reading->capture->incomplete = mp_heap_writer_says(reading->capture->writer);
    }
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
    if (fd < 0 && errno == ENOTDIR)
        fd = mp_bundle_extract_path(path);
    if (fd < 0)
        return MP_HEAP_SYSTEM;
    enum mp_heap_problem problem = mp_heap_read_fd(capture, fd);
    int kept = errno;
    close(fd);
    errno = kept;
    return problem;
}

void mp_heap_capture_release(struct mp_heap_capture *capture)
{
    for (int table = 0; table < MP_HEAP_TABLES; table++)
        free(capture->tables[table]);
    *capture = (struct mp_heap_capture){0};
}
