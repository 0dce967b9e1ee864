#include "store/dat/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/escape.h"

static const int64_t LONGEST_INTERVAL = INT64_C(1000000000) * 86400 * 366;

static int add_mark(struct mp_mark **marks, size_t *count, size_t *room,
                    struct mp_mark mark)
{
    if (mp_array_reserve((void **)marks, room, *count + 1, sizeof **marks))
        return -1;
    (*marks)[(*count)++] = mark;
    return 0;
}

/* Each record's reader: 1 understood, 0 not, -1 no memory. */
typedef int read_record(struct mp_dat_reader *, struct mp_fields);

static int added(int failed)
{
    return failed ? -1 : 1;
}

static int read_sample(struct mp_series *series, struct mp_fields fields)
{
    int64_t bytes = mp_fields_mib(&fields), time = mp_fields_seconds(&fields);
    return mp_fields_done(&fields) ? added(mp_series_add(series, time, bytes)) : 0;
}

static int read_mem(struct mp_dat_reader *reader, struct mp_fields fields)
{
    return read_sample(&reader->timeline->total, fields);
}

static int read_group(struct mp_dat_reader *reader, struct mp_fields fields)
{
    return read_sample(&reader->timeline->group, fields);
}

static int read_limit(struct mp_dat_reader *reader, struct mp_fields fields)
{
    if (fields.end - fields.at > 4 && !memcmp(fields.at, "max ", 4))
        return 1;
    return read_sample(&reader->timeline->limits, fields);
}

static int read_child(struct mp_dat_reader *reader, struct mp_fields fields)
{
    int pid = mp_fields_integer(&fields);
    int64_t bytes = mp_fields_mib(&fields), time = mp_fields_seconds(&fields);
    if (!mp_fields_done(&fields))
        return 0;
    struct mp_track *track = mp_timeline_track(reader->timeline, pid);
    return track ? added(mp_series_add(&track->series, time, bytes)) : -1;
}

static int read_percent(struct mp_series *series, struct mp_fields fields)
{
    int64_t cpu = mp_fields_percent(&fields), time = mp_fields_seconds(&fields);
    return mp_fields_done(&fields) ? added(mp_series_add(series, time, cpu)) : 0;
}

static int read_cpu(struct mp_dat_reader *reader, struct mp_fields fields)
{
    return read_percent(&reader->timeline->cpu, fields);
}

static int read_child_cpu(struct mp_dat_reader *reader, struct mp_fields fields)
{
    int pid = mp_fields_integer(&fields);
    struct mp_track *track =
        fields.failed ? NULL : mp_timeline_track(reader->timeline, pid);
    return fields.failed ? 0 : track ? read_percent(&track->cpu, fields) : -1;
}

static int read_kill(struct mp_dat_reader *reader, struct mp_fields fields)
{
    int64_t count = mp_fields_integer(&fields), time = mp_fields_seconds(&fields);
    return mp_fields_done(&fields)
               ? added(mp_series_add(&reader->timeline->kills, time, count))
               : 0;
}

static int read_sleep(struct mp_dat_reader *reader, struct mp_fields fields)
{
    int64_t slept = mp_fields_seconds(&fields), time = mp_fields_seconds(&fields);
    return mp_fields_done(&fields)
               ? added(mp_series_add(&reader->timeline->sleeps, time, slept))
               : 0;
}

/* Copies escaped bytes and undoes the escapes. */
char *mp_dat_unescaped(const char *at, const char *end, size_t *length)
{
    char *copy = malloc((size_t)(end - at) + 1);
    if (!copy)
        return NULL;
    memcpy(copy, at, (size_t)(end - at));
    *length = mp_unescape_record(copy, (size_t)(end - at));
    copy[*length] = 0;
    return copy;
}

static int read_process(struct mp_dat_reader *reader, struct mp_fields fields)
{
    int pid = mp_fields_integer(&fields), parent = mp_fields_integer(&fields);
    mp_fields_seconds(&fields);
    if (fields.failed)
        return 0;
    struct mp_track *track = mp_timeline_track(reader->timeline, pid);
    size_t length;
    char *name = track ? mp_dat_unescaped(fields.at, fields.end, &length) : NULL;
    if (!name)
        return -1;
    free(track->name);
    track->name = name;
    track->parent = parent;
    return 1;
}

static int read_mark(struct mp_dat_reader *reader, struct mp_fields fields)
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

static int read_bound(struct mp_dat_reader *reader, struct mp_fields fields)
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

static int read_command(struct mp_dat_reader *reader, struct mp_fields fields)
{
    size_t length;
    char *command = mp_dat_unescaped(fields.at, fields.end, &length);
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

static int read_key(char *to, size_t room, struct mp_fields fields, const char *key)
{
    struct mp_fields value = value_of(fields, key);
    size_t length;
    char *text = mp_dat_unescaped(value.at, value.end, &length);
    if (!text)
        return -1;
    snprintf(to, room, "%s", text);
    free(text);
    return 0;
}

static int read_identity(struct mp_identity *to, struct mp_fields fields)
{
    return read_key(to->host, sizeof to->host, fields, "host=") ||
                   read_key(to->clock, sizeof to->clock, fields, "clock=") ||
                   read_key(to->rank, sizeof to->rank, fields, "rank=") ||
                   read_key(to->worker, sizeof to->worker, fields, "worker=")
               ? -1
               : 0;
}

static int read_header(struct mp_dat_reader *reader, struct mp_fields fields)
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
    if (timeline->interval > LONGEST_INTERVAL)
        timeline->interval = LONGEST_INTERVAL;
    struct mp_fields children = value_of(fields, "children=");
    timeline->tree = mp_fields_integer(&children) == 1;
    if (length < sizeof timeline->metric) {
        memcpy(timeline->metric, metric.at, length);
        timeline->metric[length] = 0;
    }
    return added(read_identity(&timeline->identity, fields));
}

static int64_t signed_integer(struct mp_fields fields)
{
    bool negative = fields.at < fields.end && *fields.at == '-';
    fields.at += negative;
    int64_t value = mp_fields_integer(&fields);
    return fields.failed ? -1 : negative ? -value : value;
}

static int read_end(struct mp_dat_reader *reader, struct mp_fields fields)
{
    static const char *const words[] = {"exit ", "signal ", "timeout ", "gone ", "stop "};
    struct mp_run_end end = {
        .time = mp_fields_seconds(&fields), .unsampled = -1, .largest = -1, .limit = -1};
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
    int64_t late = signed_integer(value_of(fields, "late="));
    end.late = late > 0 ? (uint64_t)late : 0; /* none told of */
    end.unsampled = signed_integer(value_of(fields, "unsampled="));
    end.largest = mp_fields_mib(&largest);
    if (largest.failed)
        end.largest = -1;
    struct mp_fields limit = value_of(fields, "limit=");
    end.kills = signed_integer(value_of(fields, "kills="));
    end.throttled = signed_integer(value_of(fields, "throttled="));
    end.limit = mp_fields_mib(&limit);
    if (limit.failed)
        end.limit = -1;
    reader->timeline->end = end;
    reader->timeline->ended = true;
    return 1;
}

static const struct {
    const char *word; /* with its blank */
    read_record *read;
} records[] = {
    {"MEM ", read_mem},
    {"CHLD ", read_child},
    {"PEAK ", read_mark},
    {"CALL ", mp_dat_read_call},
    {"FUNC ", mp_dat_read_function},
    {"DONE ", mp_dat_read_done},
    {"BOUND ", read_bound},
    {"PROC ", read_process},
    {"CGRP ", read_group},
    {"LIMIT ", read_limit},
    {"CPU ", read_cpu},
    {"CHCPU ", read_child_cpu},
    {"KILL ", read_kill},
    {"SLEPT ", read_sleep},
    {"CMDLINE ", read_command},
    {"MPROF ", read_header},
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

static void skip(struct mp_dat_reader *reader)
{
    if (!reader->timeline->skipped++)
        reader->timeline->first_skipped = reader->line;
}

void mp_dat_read_line(struct mp_dat_reader *reader, const char *at, const char *end)
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

bool mp_dat_is_record(const char *text)
{
    for (int i = 0; i < RECORDS; i++)
        if (!strncmp(text, records[i].word, strlen(records[i].word)))
            return true;
    return false;
}
