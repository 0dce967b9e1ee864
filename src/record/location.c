#include "record/location.h"

#include <stdbool.h>

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

/* One entry after the other. */
struct reading {
    const unsigned char *at, *end;
    int64_t line;    /* of the latest entry that has one */
    uint64_t passed; /* code units up to the end of the latest entry */
    bool none;       /* the latest entry has no line */
};

static struct reading begin(const char *table, size_t length, int first_line)
{
    const unsigned char *at = (const unsigned char *)table;
    return (struct reading){.at = at, .end = at + length, .line = first_line};
}

static bool next(struct reading *reading)
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

static bool is_line(const struct reading *reading)
{
    return !reading->none && reading->line >= 0 && reading->line <= INT32_MAX;
}

void mp_location_lines(const char *table, size_t length, int first_line,
                       const uint32_t *units, int *lines, size_t count)
{
    struct reading reading = begin(table, length, first_line);
    bool more = true;
    for (size_t i = 0; i < count; i++) {
        while (more && units[i] >= reading.passed)
            more = next(&reading);
        lines[i] = more && is_line(&reading) ? (int)reading.line : first_line;
    }
}

int mp_location_line(const char *table, size_t length, int first_line, uint32_t unit)
{
    int line;
    mp_location_lines(table, length, first_line, &unit, &line, 1);
    return line;
}

int mp_location_last_line(const char *table, size_t length, int first_line)
{
    struct reading reading = begin(table, length, first_line);
    int last = first_line;
    while (next(&reading))
        if (is_line(&reading) && reading.line > last)
            last = (int)reading.line;
    return last;
}
