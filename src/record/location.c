#include "record/location.h"

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

int mp_location_line(const char *table, size_t length, int first_line, uint32_t unit)
{
    const unsigned char *at = (const unsigned char *)table, *end = at + length;
    int64_t line = first_line;
    uint64_t passed = 0;
    while (at < end) {
        unsigned kind = *at >> 3 & 15;
        passed += (*at++ & 7) + 1;
        if (kind != NO_LOCATION)
            line += line_delta(kind, at, end);
        if (unit < passed)
            return kind == NO_LOCATION || line < 0 || line > INT32_MAX ? first_line
                                                                       : (int)line;
        while (at < end && !(*at & 128))
            at++;
    }
    return first_line;
}
