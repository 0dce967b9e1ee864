#include "record/location.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/mix.h"

/* An entry: 1 kkkk lll, then bytes below 128. l + 1 units; the kind says how the line changes. */
enum { NO_LOCATION = 15, LONG_FORM = 14, NO_COLUMNS = 13, ONE_LINE = 10 };

/* Little-endian groups of six bits; the lowest bit of the whole is the sign. */
static int64_t signed_varint(const unsigned char *at, const unsigned char *end)
{
    uint64_t value = 0;
    for (int shift = 0; at < end && shift < 60; shift += 6) {
        value |= (uint64_t)(*at & 63) << shift;
        if (!(*at++ & 64))
            break;
    }
    return value & 1 ? -(int64_t)(value >> 1) : (int64_t)(value >> 1);
}

static int64_t line_delta(unsigned kind, const unsigned char *at, const unsigned char *end)
{
    if (kind == LONG_FORM || kind == NO_COLUMNS)
        return signed_varint(at, end);
    return kind >= ONE_LINE && kind < NO_COLUMNS ? kind - ONE_LINE : 0;
}

static struct mp_location_reading begin(const char *table, size_t length, int first_line)
{
    const unsigned char *at = (const unsigned char *)table;
    return (struct mp_location_reading){
        .at = at, .end = at + length, .line = first_line, .first_line = first_line};
}

static bool next(struct mp_location_reading *reading)
{
    if (reading->at >= reading->end)
        return false;
    unsigned kind = *reading->at >> 3 & 15;
    reading->passed += (*reading->at++ & 7) + 1;
    reading->none = kind == NO_LOCATION;
    int64_t delta = reading->none ? 0 : line_delta(kind, reading->at, reading->end);
    if (__builtin_add_overflow(reading->line, delta, &reading->line))
        reading->line = -1; /* no compiler's table: any line will do */
    while (reading->at < reading->end && !(*reading->at & 128))
        reading->at++;
    return true;
}

static bool is_line(const struct mp_location_reading *reading)
{
    return !reading->none && reading->line >= 0 && reading->line <= INT32_MAX;
}

void mp_location_read(struct mp_location_reading *reading, const char *table, size_t length,
                      int first_line)
{
    *reading = begin(table, length, first_line);
}

int mp_location_read_line(struct mp_location_reading *reading, uint32_t unit)
{
    bool more = true;
    while (more && unit >= reading->passed)
        more = next(reading);
    return more && is_line(reading) ? (int)reading->line : reading->first_line;
}

void mp_location_begin(struct mp_location_stretch *stretch, const char *table,
                       size_t length, int first_line)
{
    *stretch =
        (struct mp_location_stretch){begin(table, length, first_line), .line = first_line};
}

uint32_t mp_location_start(struct mp_location_stretch *stretch, uint32_t unit)
{
    struct mp_location_reading *reading = &stretch->reading;
    while (unit >= reading->passed) {
        uint64_t before = reading->passed;
        if (!next(reading))
            return unit;
        int64_t line = is_line(reading) ? reading->line : -1;
        if (line == stretch->line)
            continue;
        stretch->line = line;
        stretch->from = before;
    }
    return (uint32_t)stretch->from;
}

int mp_location_line(const char *table, size_t length, int first_line, uint32_t unit)
{
    struct mp_location_reading reading = begin(table, length, first_line);
    return mp_location_read_line(&reading, unit);
}

int mp_location_last_line(const char *table, size_t length, int first_line)
{
    struct mp_location_reading reading = begin(table, length, first_line);
    int last = first_line;
    while (next(&reading))
        if (is_line(&reading) && reading.line > last)
            last = (int)reading.line;
    return last;
}

static const unsigned char *skip_varint(const unsigned char *at, const unsigned char *end)
{
    bool more = true;
    while (more && at < end)
        more = *at++ & 64;
    return at;
}

/* Where an instruction is in its line: its columns; of one that ends on a later line the first
   alone, since what is between them may have grown. */
static uint64_t columns_of(unsigned kind, const unsigned char *at, const unsigned char *end)
{
    if (kind == LONG_FORM) {
        const unsigned char *lines = skip_varint(at, end), *first = skip_varint(lines, end);
        bool ends_here = first == lines + 1 && !(*lines & 63);
        at = first;
        end = ends_here ? end : skip_varint(first, end);
    }
    return kind == NO_COLUMNS ? 0 : mp_mix_bytes((const char *)at, (size_t)(end - at));
}

static uint64_t shape_of(const unsigned char *entry, const unsigned char *end)
{
    unsigned kind = *entry >> 3 & 15, units = *entry & 7;
    bool one_line = kind >= ONE_LINE && kind < NO_COLUMNS;
    return mp_mix(columns_of(kind, entry + 1, end), units | (one_line ? ONE_LINE : kind)
                                                                << 3);
}

static int by_line(const void *left, const void *right)
{
    const struct mp_location_shape *a = left, *b = right;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    return (a->shape > b->shape) - (a->shape < b->shape);
}

size_t mp_location_shapes(struct mp_location_shape *to, size_t room, const char *table,
                          size_t length, int first_line)
{
    struct mp_location_reading reading = begin(table, length, first_line);
    const unsigned char *entry = reading.at;
    size_t entries = 0, lines = 0;
    for (; entries < room && next(&reading); entry = reading.at)
        if (is_line(&reading))
            to[entries++] =
                (struct mp_location_shape){(int)reading.line, shape_of(entry, reading.at)};
    if (entries)
        qsort(to, entries, sizeof *to, by_line);
    for (size_t i = 0; i < entries; i++)
        if (lines && to[lines - 1].line == to[i].line)
            to[lines - 1].shape = mp_mix(to[lines - 1].shape, to[i].shape);
        else
            to[lines++] = to[i];
    return lines;
}
