#include "store/dat_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/escape.h"
#include "store/dat_fields.h"

enum { LONGEST_LINE = 1 << 18, CHUNK = 1 << 16, NEWEST_VERSION = 1 };
enum { FARTHEST_CALL = 4096 }; /* open calls a DONE is looked for among */

struct reader {
    struct mp_timeline *timeline;
    uint64_t line; /* number of the current line */
    bool overlong; /* the current line was longer than a line may be */
    bool no_memory;
    int *open; /* owned: indices of spans that have not been left */
    size_t open_count, open_room;
    int *numbers; /* owned: the call number of each span, 0: none */
    size_t number_room;
};

static int add_span(struct reader *reader, const struct mp_span *span, int number)
{
    struct mp_timeline *timeline = reader->timeline;
    size_t count = timeline->span_count + 1;
    if (mp_array_reserve((void **)&timeline->spans, &timeline->span_room, count,
                         sizeof *timeline->spans) ||
        mp_array_reserve((void **)&reader->numbers, &reader->number_room, count,
                         sizeof *reader->numbers))
        return -1;
    timeline->spans[count - 1] = *span;
    reader->numbers[count - 1] = number;
    timeline->span_count = count;
    return 0;
}

static int add_mark(struct mp_mark **marks, size_t *count, size_t *room,
                    struct mp_mark mark)
{
    if (mp_array_reserve((void **)marks, room, *count + 1, sizeof **marks))
        return -1;
    (*marks)[(*count)++] = mark;
    return 0;
}

/* Each record's reader: 1 understood, 0 not, -1 no memory. */
typedef int read_record(struct reader *, struct mp_fields);

static int added(int failed)
{
    return failed ? -1 : 1;
}

static int read_sample(struct mp_series *series, struct mp_fields fields)
{
    int64_t bytes = mp_fields_mib(&fields), time = mp_fields_seconds(&fields);
    return mp_fields_done(&fields) ? added(mp_series_add(series, time, bytes)) : 0;
}

static int read_mem(struct reader *reader, struct mp_fields fields)
{
    return read_sample(&reader->timeline->total, fields);
}

static int read_group(struct reader *reader, struct mp_fields fields)
{
    return read_sample(&reader->timeline->group, fields);
}

static int read_limit(struct reader *reader, struct mp_fields fields)
{
    if (fields.end - fields.at > 4 && !memcmp(fields.at, "max ", 4))
        return 1;
    return read_sample(&reader->timeline->limits, fields);
}

static int read_child(struct reader *reader, struct mp_fields fields)
{
    int pid = mp_fields_integer(&fields);
    int64_t bytes = mp_fields_mib(&fields), time = mp_fields_seconds(&fields);
    if (!mp_fields_done(&fields))
        return 0;
    struct mp_track *track = mp_timeline_track(reader->timeline, pid);
    return track ? added(mp_series_add(&track->series, time, bytes)) : -1;
}

/* Copies escaped bytes and undoes the escapes. */
static char *unescaped(const char *at, const char *end, size_t *length)
{
    char *copy = malloc((size_t)(end - at) + 1);
    if (!copy)
        return NULL;
    memcpy(copy, at, (size_t)(end - at));
    *length = mp_unescape_record(copy, (size_t)(end - at));
    copy[*length] = 0;
    return copy;
}

static int read_process(struct reader *reader, struct mp_fields fields)
{
    int pid = mp_fields_integer(&fields), parent = mp_fields_integer(&fields);
    mp_fields_seconds(&fields);
    if (fields.failed)
        return 0;
    struct mp_track *track = mp_timeline_track(reader->timeline, pid);
    size_t length;
    char *name = track ? unescaped(fields.at, fields.end, &length) : NULL;
    if (!name)
        return -1;
    free(track->name);
    track->name = name;
    track->parent = parent;
    return 1;
}

static int read_mark(struct reader *reader, struct mp_fields fields)
{
    struct mp_timeline *timeline = reader->timeline;
    struct mp_mark mark = {.pid = mp_fields_integer(&fields)};
    mark.bytes = mp_fields_mib(&fields);
    mark.from = mp_fields_seconds(&fields);
    mark.to = mp_fields_seconds(&fields);
    if (!mp_fields_done(&fields))
        return 0;
    return added(
        add_mark(&timeline->marks, &timeline->mark_count, &timeline->mark_room, mark));
}

static int read_bound(struct reader *reader, struct mp_fields fields)
{
    struct mp_timeline *timeline = reader->timeline;
    struct mp_mark mark = {.bytes = mp_fields_mib(&fields)};
    mark.from = mp_fields_seconds(&fields);
    mark.to = mp_fields_seconds(&fields);
    if (!mp_fields_done(&fields))
        return 0;
    return added(
        add_mark(&timeline->bounds, &timeline->bound_count, &timeline->bound_room, mark));
}

static int intern(struct reader *reader, struct mp_fields name)
{
    if (!reader->timeline->version)
        return mp_names_index(&reader->timeline->names, name.at,
                              (size_t)(name.end - name.at));
    size_t length;
    char *plain = unescaped(name.at, name.end, &length);
    if (!plain)
        return -1;
    int index = mp_names_index(&reader->timeline->names, plain, length);
    free(plain);
    return index;
}

/* "name MiB time MiB time [level]"; the classic let names hold blanks, so from the right. */
static int read_function(struct reader *reader, struct mp_fields fields)
{
    struct mp_span span = {0};
    struct mp_fields whole = fields, last = mp_fields_take_last(&fields);
    span.level = mp_fields_integer(&last);
    if (!mp_fields_done(&last)) {
        fields = whole; /* from before levels were written */
        span.level = 0;
    }
    struct mp_fields numbers[4];
    for (int i = 4; i-- > 0;)
        numbers[i] = mp_fields_take_last(&fields);
    span.enter.bytes = mp_fields_mib(&numbers[0]);
    span.enter.time = mp_fields_seconds(&numbers[1]);
    span.leave.bytes = mp_fields_mib(&numbers[2]);
    span.leave.time = mp_fields_seconds(&numbers[3]);
    for (int i = 0; i < 4; i++)
        if (!mp_fields_done(&numbers[i]))
            return 0;
    if (fields.at == fields.end || span.leave.time < span.enter.time)
        return 0;
    span.name = intern(reader, fields);
    return span.name < 0 ? -1 : added(add_span(reader, &span, 0));
}

static int read_call(struct reader *reader, struct mp_fields fields)
{
    struct mp_span span = {.open = true};
    span.pid = mp_fields_integer(&fields);
    span.thread = mp_fields_integer(&fields);
    int number = mp_fields_integer(&fields);
    span.enter.bytes = mp_fields_mib(&fields);
    span.enter.time = mp_fields_seconds(&fields);
    span.level = mp_fields_integer(&fields);
    if (fields.failed || fields.at == fields.end || !number)
        return 0;
    span.leave = span.enter;
    span.name = intern(reader, fields);
    if (span.name < 0 || mp_array_reserve((void **)&reader->open, &reader->open_room,
                                          reader->open_count + 1, sizeof *reader->open))
        return -1;
    reader->open[reader->open_count++] = (int)reader->timeline->span_count;
    return added(add_span(reader, &span, number));
}

/* The FUNC just before it closes this call: its times go into the span of the CALL. */
static int read_done(struct reader *reader, struct mp_fields fields)
{
    struct mp_timeline *timeline = reader->timeline;
    int pid = mp_fields_integer(&fields), number = mp_fields_integer(&fields);
    if (!mp_fields_done(&fields))
        return 0;
    size_t oldest =
        reader->open_count > FARTHEST_CALL ? reader->open_count - FARTHEST_CALL : 0;
    for (size_t i = reader->open_count; i-- > oldest;) {
        int at = reader->open[i];
        struct mp_span *span = &timeline->spans[at];
        struct mp_span *last = &timeline->spans[timeline->span_count - 1];
        if (span->pid != pid || reader->numbers[at] != number)
            continue;
        if (last == span || last->pid || last->name != span->name)
            return 0;
        span->leave = last->leave;
        span->open = false;
        timeline->span_count--;
        reader->open[i] = reader->open[--reader->open_count];
        return 1;
    }
    return 0;
}

static int read_command(struct reader *reader, struct mp_fields fields)
{
    size_t length;
    char *command = unescaped(fields.at, fields.end, &length);
    if (!command)
        return -1;
    free(reader->timeline->command);
    reader->timeline->command = command;
    return 1;
}

/* The value of "key=value" among the fields; empty when it is not there. */
static struct mp_fields value_of(struct mp_fields fields, const char *key)
{
    size_t length = strlen(key);
    while (fields.at < fields.end) {
        const char *end = memchr(fields.at, ' ', (size_t)(fields.end - fields.at));
        if (!end)
            end = fields.end;
        if ((size_t)(end - fields.at) > length && !memcmp(fields.at, key, length))
            return (struct mp_fields){fields.at + length, end, false};
        fields.at = end + (end < fields.end);
    }
    return (struct mp_fields){fields.end, fields.end, false};
}

static int read_header(struct reader *reader, struct mp_fields fields)
{
    struct mp_timeline *timeline = reader->timeline;
    int version = mp_fields_integer(&fields);
    if (fields.failed || version < 1)
        return 0;
    timeline->version = version;
    struct mp_fields pid = value_of(fields, "pid="),
                     interval = value_of(fields, "interval=");
    struct mp_fields metric = value_of(fields, "metric=");
    size_t length = (size_t)(metric.end - metric.at);
    timeline->pid = mp_fields_integer(&pid);
    timeline->interval = mp_fields_seconds(&interval);
    struct mp_fields children = value_of(fields, "children=");
    timeline->tree = mp_fields_integer(&children) == 1;
    if (length < sizeof timeline->metric) {
        memcpy(timeline->metric, metric.at, length);
        timeline->metric[length] = 0;
    }
    return 1;
}

static int64_t signed_integer(struct mp_fields fields)
{
    bool negative = fields.at < fields.end && *fields.at == '-';
    fields.at += negative;
    int64_t value = mp_fields_integer(&fields);
    return fields.failed ? -1 : negative ? -value : value;
}

static int read_end(struct reader *reader, struct mp_fields fields)
{
    static const char *const words[] = {"exit ", "signal ", "timeout ", "gone ", "stop "};
    struct mp_run_end end = {
        .time = mp_fields_seconds(&fields), .unsampled = -1, .largest = -1};
    int found = 0;
    for (int i = 0; i < 5 && !found; i++) {
        size_t length = strlen(words[i]);
        if ((size_t)(fields.end - fields.at) > length &&
            !memcmp(fields.at, words[i], length)) {
            end.ending = (enum mp_ending)i;
            fields.at += length;
            found = 1;
        }
    }
    end.code = mp_fields_integer(&fields);
    if (fields.failed || !found)
        return 0;
    struct mp_fields largest = value_of(fields, "largest=");
    end.rounds = (uint64_t)signed_integer(value_of(fields, "samples="));
    end.late = (uint64_t)signed_integer(value_of(fields, "late="));
    end.unsampled = signed_integer(value_of(fields, "unsampled="));
    end.largest = mp_fields_mib(&largest);
    if (largest.failed)
        end.largest = -1;
    reader->timeline->end = end;
    reader->timeline->ended = true;
    return 1;
}

static const struct {
    const char *word; /* with its blank */
    read_record *read;
} records[] = {
    {"MEM ", read_mem},     {"CHLD ", read_child},      {"PEAK ", read_mark},
    {"CALL ", read_call},   {"FUNC ", read_function},   {"DONE ", read_done},
    {"BOUND ", read_bound}, {"PROC ", read_process},    {"CGRP ", read_group},
    {"LIMIT ", read_limit}, {"CMDLINE ", read_command}, {"MPROF ", read_header},
    {"END ", read_end},
};
enum { RECORDS = sizeof records / sizeof *records };

/* A first word that could be a record of a later version: capitals. */
static bool is_record_word(const char *at, const char *end)
{
    const char *word = at;
    while (at < end && *at >= 'A' && *at <= 'Z')
        at++;
    return at > word && at < end && *at == ' ';
}

static void skip(struct reader *reader)
{
    if (!reader->timeline->skipped++)
        reader->timeline->first_skipped = reader->line;
}

static void read_line(struct reader *reader, const char *at, const char *end)
{
    reader->line++;
    if (reader->line == 1 && end - at >= 3 && !memcmp(at, "\xef\xbb\xbf", 3))
        at += 3;
    if (at < end && end[-1] == '\r')
        end--;
    for (int i = 0; i < RECORDS; i++) {
        size_t length = strlen(records[i].word);
        if ((size_t)(end - at) < length || memcmp(at, records[i].word, length))
            continue;
        if (reader->overlong && records[i].read != read_command)
            break;
        int result = records[i].read(reader, (struct mp_fields){at + length, end, false});
        reader->no_memory |= result < 0;
        reader->timeline->records += result > 0;
        if (result == 0)
            skip(reader);
        return;
    }
    if (reader->overlong || !is_record_word(at, end))
        skip(reader);
}

/* Reads whole lines out of a buffer; returns how many bytes they took. */
static size_t read_lines(struct reader *reader, const char *bytes, size_t length)
{
    const char *at = bytes, *end = bytes + length, *stop;
    while (at < end && !reader->no_memory && reader->timeline->version <= NEWEST_VERSION &&
           (stop = memchr(at, '\n', (size_t)(end - at)))) {
        read_line(reader, at, stop);
        reader->overlong = false;
        at = stop + 1;
    }
    return (size_t)(at - bytes);
}

static void settle(struct mp_timeline *timeline)
{
    mp_series_sort(&timeline->total);
    mp_series_sort(&timeline->group);
    mp_series_sort(&timeline->limits);
    for (size_t i = 0; i < timeline->track_count; i++)
        mp_series_sort(&timeline->tracks[i].series);
    const struct mp_series *total = &timeline->total;
    int64_t last = total->count ? total->points[total->count - 1].time : 0;
    if (timeline->ended && timeline->end.time > last)
        last = timeline->end.time;
    for (size_t i = 0; i < timeline->span_count; i++)
        if (timeline->spans[i].open && timeline->spans[i].leave.time < last)
            timeline->spans[i].leave.time = last;
}

static enum mp_dat_problem finish(struct reader *reader, bool any)
{
    struct mp_timeline *timeline = reader->timeline;
    free(reader->open);
    free(reader->numbers);
    if (reader->no_memory) {
        errno = ENOMEM;
        return MP_DAT_SYSTEM;
    }
    settle(timeline);
    if (timeline->version > NEWEST_VERSION)
        return MP_DAT_FUTURE;
    if (!any)
        return MP_DAT_EMPTY;
    return timeline->records ? MP_DAT_OK : MP_DAT_FOREIGN;
}

enum mp_dat_problem mp_dat_parse(struct mp_timeline *timeline, const char *bytes,
                                 size_t length)
{
    *timeline = (struct mp_timeline){0};
    struct reader reader = {.timeline = timeline};
    timeline->cut = read_lines(&reader, bytes, length) < length;
    return finish(&reader, length > 0);
}

/* What is left of the buffer after its whole lines moves to the front; a line that fills it is
   cut there. Returns how much is left. */
static size_t keep_rest(struct reader *reader, char *buffer, size_t used)
{
    size_t read = reader->overlong ? 0 : read_lines(reader, buffer, used);
    if (reader->overlong) {
        char *stop = memchr(buffer + LONGEST_LINE / 2, '\n', used - LONGEST_LINE / 2);
        if (!stop)
            return LONGEST_LINE / 2;
        read_line(reader, buffer, buffer + LONGEST_LINE / 2);
        reader->overlong = false;
        read = (size_t)(stop + 1 - buffer);
        read += read_lines(reader, stop + 1, used - read);
    }
    memmove(buffer, buffer + read, used - read);
    if (used - read < LONGEST_LINE - CHUNK)
        return used - read;
    reader->overlong = true;
    return LONGEST_LINE / 2;
}

enum mp_dat_problem mp_dat_read(struct mp_timeline *timeline, const char *path)
{
    *timeline = (struct mp_timeline){0};
    struct reader reader = {.timeline = timeline};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *buffer = fd < 0 ? NULL : malloc(LONGEST_LINE);
    size_t used = 0;
    ssize_t length = buffer ? 1 : -1;
    bool any = false;
    while (length > 0 && !reader.no_memory && timeline->version <= NEWEST_VERSION) {
        length = read(fd, buffer + used, CHUNK);
        if (length > 0) {
            any = true;
            used = keep_rest(&reader, buffer, used + (size_t)length);
        }
    }
    int kept = errno;
    timeline->cut = used > 0;
    free(buffer);
    if (fd >= 0)
        close(fd);
    enum mp_dat_problem problem = finish(&reader, any);
    errno = length < 0 ? kept : errno;
    return length < 0 ? MP_DAT_SYSTEM : problem;
}

bool mp_dat_is_default_name(const char *path)
{
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    size_t length = strlen(name);
    return length > 13 && !strncmp(name, "mprofile_", 9) &&
           !strcmp(name + length - 4, ".dat");
}

int mp_dat_is_ours(const char *path)
{
    char start[16] = "";
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -1;
    struct stat status;
    int ours = 0;
    if (!fstat(fd, &status) && S_ISREG(status.st_mode)) {
        ssize_t length = read(fd, start, sizeof start - 1);
        ours = length == 0 && mp_dat_is_default_name(path);
        for (int i = 0; i < RECORDS && !ours; i++)
            ours = !strncmp(start, records[i].word, strlen(records[i].word));
    }
    close(fd);
    return ours;
}
