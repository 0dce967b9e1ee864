#include "store/dat/write.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/number.h"

enum { LONGEST_RECORD = 512, LONGEST_HEADER = 2048, PATIENCE_NS = 500000000 };

void mp_dat_writer_init(struct mp_dat_writer *writer, int fd, int64_t interval)
{
    writer->fd = fd;
    writer->error = 0;
    writer->decimals = interval < MP_SECOND / 1000 ? 6 : 4;
    writer->used = 0;
    writer->writes = 0;
}

/* After a short write: takes the half record back, so that what others append stays whole;
   unless they already have. O_APPEND left the offset at the end of what we wrote. */
static void drop_half_record(const struct mp_dat_writer *writer, size_t written)
{
    size_t whole = written;
    while (whole && writer->buffer[whole - 1] != '\n')
        whole--;
    struct stat status;
    off_t end = lseek(writer->fd, 0, SEEK_CUR);
    if (whole == written || fstat(writer->fd, &status) || status.st_size != end)
        return;
    if (ftruncate(writer->fd, end - (off_t)(written - whole)))
        return; /* readers drop a last line without its end */
}

int mp_dat_writer_flush(struct mp_dat_writer *writer)
{
    size_t written = 0;
    while (!writer->error && written < writer->used) {
        ssize_t now = write(writer->fd, writer->buffer + written, writer->used - written);
        writer->writes++;
        if (now >= 0)
            written += (size_t)now;
        else if (errno != EINTR)
            writer->error = errno;
    }
    if (writer->error && written)
        drop_half_record(writer, written);
    writer->used = 0;
    errno = writer->error;
    return writer->error ? -1 : 0;
}

void mp_dat_writer_tick(struct mp_dat_writer *writer, int64_t now, int64_t next)
{
    if (writer->used &&
        (now - writer->oldest >= PATIENCE_NS || next - writer->oldest > PATIENCE_NS))
        mp_dat_writer_flush(writer);
}

/* Room for one record, or NULL after a failure. */
static char *begin(struct mp_dat_writer *writer, size_t room)
{
    if (writer->used + room > sizeof writer->buffer)
        mp_dat_writer_flush(writer);
    if (writer->error)
        return NULL;
    if (!writer->used)
        writer->oldest = mp_clock_ns();
    return writer->buffer + writer->used;
}

static void finish(struct mp_dat_writer *writer, char *end)
{
    *end++ = '\n';
    writer->used = (size_t)(end - writer->buffer);
}

static char *put_word(char *out, const char *word)
{
    size_t length = strlen(word);
    memcpy(out, word, length);
    return out + length;
}

/* " key=text", of a text that is known; of `size` bytes at most. */
static char *put_key(char *out, const char *key, const char *text, size_t size)
{
    if (!*text)
        return out;
    out = put_word(out, key);
    return out + mp_escape_record(out, 4 * size, text, strlen(text), false);
}

void mp_dat_put_header(struct mp_dat_writer *writer, const struct mp_dat_header *header)
{
    const struct mp_identity *identity = &header->identity;
    char *out = begin(writer, LONGEST_HEADER);
    if (!out)
        return;
    out += snprintf(out, LONGEST_RECORD - 1,
                    "MPROF 1 by=%s pid=%d interval=%.9g metric=%s children=%d marks=%s "
                    "anchor=%lld",
                    MP_VERSION, header->pid, (double)header->interval / 1e9, header->metric,
                    header->children, header->marks, (long long)header->offset);
    out = put_key(out, " host=", identity->host, sizeof identity->host);
    out = put_key(out, " clock=", identity->clock, sizeof identity->clock);
    out = put_key(out, " rank=", identity->rank, sizeof identity->rank);
    out = put_key(out, " worker=", identity->worker, sizeof identity->worker);
    finish(writer, out);
}

/* The classic's way: arguments with blanks in single quotes. */
void mp_dat_put_command(struct mp_dat_writer *writer, char *const *arguments, size_t count)
{
    char *out = begin(writer, 8 + 2), *end = writer->buffer + sizeof writer->buffer - 2;
    if (!out)
        return;
    out = put_word(out, "CMDLINE");
    for (size_t i = 0; i < count && end - out > 4; i++) {
        int quoted = arguments[i][strcspn(arguments[i], " \t")] != 0;
        *out++ = ' ';
        if (quoted)
            *out++ = '\'';
        out += mp_escape_record(out, (size_t)(end - out) - 1, arguments[i],
                                strlen(arguments[i]), true);
        if (quoted)
            *out++ = '\'';
    }
    finish(writer, out);
}

static char *put_time(const struct mp_dat_writer *writer, char *out, int64_t time)
{
    *out++ = ' ';
    return mp_number_put_seconds(out, time, writer->decimals);
}

static void put_sample(struct mp_dat_writer *writer, const char *word, int64_t bytes,
                       int64_t time)
{
    char *out = begin(writer, LONGEST_RECORD);
    if (!out)
        return;
    out = mp_number_put_mib(put_word(out, word), bytes, 6);
    finish(writer, put_time(writer, out, time));
}

static void put_limit(struct mp_dat_writer *writer, int64_t limit, int64_t time)
{
    if (limit < INT64_MAX) {
        put_sample(writer, "LIMIT ", limit, time);
        return;
    }
    char *out = begin(writer, LONGEST_RECORD);
    if (out)
        finish(writer, put_time(writer, put_word(out, "LIMIT max"), time));
}

static void put_reading(struct mp_dat_writer *writer, const struct mp_reading *reading,
                        int64_t time)
{
    char *out = begin(writer, LONGEST_RECORD);
    if (!out)
        return;
    out = mp_number_put_integer(put_word(out, "CHLD "), reading->pid);
    *out++ = ' ';
    finish(writer, put_time(writer, mp_number_put_mib(out, reading->bytes, 6), time));
}

/* Of all that MEM is of (pid 0), or of one child. */
static void put_cpu(struct mp_dat_writer *writer, int pid, int64_t cpu, int64_t time)
{
    char *out = begin(writer, LONGEST_RECORD);
    if (!out)
        return;
    out = put_word(out, pid ? "CHCPU " : "CPU ");
    if (pid) {
        out = mp_number_put_integer(out, pid);
        *out++ = ' ';
    }
    finish(writer, put_time(writer, mp_number_put_seconds(out, cpu, 2), time));
}

static void put_name(struct mp_dat_writer *writer, const struct mp_reading *reading,
                     int64_t time)
{
    char *out = begin(writer, LONGEST_RECORD);
    if (!out)
        return;
    out = mp_number_put_integer(put_word(out, "PROC "), reading->pid);
    *out++ = ' ';
    out = put_time(writer, mp_number_put_integer(out, reading->parent), time);
    *out++ = ' ';
    out += mp_escape_record(out, 4 * sizeof reading->name, reading->name,
                            strlen(reading->name), false);
    finish(writer, out);
}

static void put_range(struct mp_dat_writer *writer, const char *word,
                      const struct mp_mark *mark)
{
    char *out = begin(writer, LONGEST_RECORD);
    if (!out)
        return;
    out = put_word(out, word);
    if (mark->pid) {
        out = mp_number_put_integer(out, mark->pid);
        *out++ = ' ';
    }
    out = put_time(writer, mp_number_put_mib(out, mark->bytes, 6), mark->from);
    finish(writer, put_time(writer, out, mark->to));
}

static void put_count(struct mp_dat_writer *writer, const char *word, int64_t count,
                      int64_t time)
{
    char *out = begin(writer, LONGEST_RECORD);
    if (out)
        finish(writer,
               put_time(writer, mp_number_put_integer(put_word(out, word), count), time));
}

/* First of its round: what follows was after it. */
static void put_sleep(struct mp_dat_writer *writer, int64_t slept, int64_t time)
{
    char *out = begin(writer, LONGEST_RECORD);
    if (out)
        finish(writer,
               put_time(writer, mp_number_put_seconds(put_word(out, "SLEPT "), slept, 4),
                        time));
}

void mp_dat_put_round(struct mp_dat_writer *writer, const struct mp_round *round, int each)
{
    int64_t time = round->total.time;
    if (round->slept > 0)
        put_sleep(writer, round->slept, time);
    for (size_t i = 0; i < round->mark_count; i++)
        put_range(writer, "PEAK ", &round->marks[i]);
    if (round->bound.bytes >= 0)
        put_range(writer, "BOUND ", &round->bound);
    if (round->total.bytes >= 0)
        put_sample(writer, "MEM ", round->total.bytes, time);
    if (round->cpu >= 0)
        put_cpu(writer, 0, round->cpu, time);
    for (size_t i = 0; i < round->reading_count; i++) {
        if (round->readings[i].named)
            put_name(writer, &round->readings[i], time);
        if (each)
            put_reading(writer, &round->readings[i], time);
        if (each && round->readings[i].cpu >= 0)
            put_cpu(writer, round->readings[i].pid, round->readings[i].cpu, time);
    }
    if (round->group >= 0)
        put_sample(writer, "CGRP ", round->group, time);
    if (round->limit >= 0)
        put_limit(writer, round->limit, time);
    if (round->kills > 0)
        put_count(writer, "KILL ", round->kills, time);
}

void mp_dat_put_end(struct mp_dat_writer *writer, const struct mp_run_end *end)
{
    static const char *const words[] = {"exit", "signal", "timeout", "gone", "stop"};
    char *out = begin(writer, LONGEST_RECORD);
    if (!out)
        return;
    out = mp_number_put_seconds(put_word(out, "END "), end->time, writer->decimals);
    out += snprintf(out, 200, " %s %d samples=%llu late=%llu unsampled=%lld largest=",
                    words[end->ending], end->code, (unsigned long long)end->rounds,
                    (unsigned long long)end->late, (long long)end->unsampled);
    out = end->largest < 0 ? put_word(out, "-1") : mp_number_put_mib(out, end->largest, 6);
    if (end->kills > 0)
        out = mp_number_put_integer(put_word(out, " kills="), end->kills);
    if (end->throttled > 0)
        out = mp_number_put_integer(put_word(out, " throttled="), end->throttled);
    if (end->limit >= 0)
        out = mp_number_put_mib(put_word(out, " limit="), end->limit, 6);
    finish(writer, out);
}
