#include "store/dat/fields.h"

#include <limits.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void fail(struct mp_fields *fields)
{
    fields->failed = true;
    fields->at = fields->end;
}

/* Digits before the point, at most `limit`; -1 when there are none or too many. */
static int64_t take_whole(struct mp_fields *fields, int64_t limit)
{
    int64_t value = 0;
    const char *start = fields->at;
    for (; fields->at < fields->end && is_digit(*fields->at); fields->at++)
        if ((value = value * 10 + (*fields->at - '0')) > limit)
            return -1;
    return fields->at > start ? value : -1;
}

/* Digits behind the point in units of 10^-9; more of them are read and dropped. */
static int64_t take_fraction(struct mp_fields *fields)
{
    int64_t value = 0, unit = 100000000;
    if (fields->at == fields->end || *fields->at != '.')
        return 0;
    for (fields->at++; fields->at < fields->end && is_digit(*fields->at); fields->at++) {
        value += unit * (*fields->at - '0');
        unit /= 10;
    }
    return value;
}

static bool take_blank(struct mp_fields *fields)
{
    if (fields->at == fields->end)
        return true;
    return *fields->at++ == ' ';
}

/* The kernel counts whole KiB; a few decimals of a MiB do not quite say which. */
static int64_t settle(int64_t bytes, ptrdiff_t decimals)
{
    int64_t nearest = (bytes + 512) & ~INT64_C(1023), off = bytes - nearest;
    int64_t doubt = decimals < 4 ? 0 : decimals < 6 ? 53 : 1;
    return off <= doubt && off >= -doubt ? nearest : bytes;
}

int64_t mp_fields_mib(struct mp_fields *fields)
{
    int64_t whole = take_whole(fields, (INT64_C(1) << 42) - 1);
    const char *point = fields->at;
    int64_t fraction = take_fraction(fields);
    ptrdiff_t decimals = fields->at - point - 1;
    if (whole < 0 || !take_blank(fields)) {
        fail(fields);
        return 0;
    }
    return settle((whole << 20) + (fraction * (1 << 20) + 500000000) / 1000000000,
                  decimals);
}

/* A decimal number in units of 10^-9. */
static int64_t take_decimal(struct mp_fields *fields)
{
    int64_t whole = take_whole(fields, INT64_C(4611686018));
    int64_t fraction = take_fraction(fields);
    if (whole < 0 || !take_blank(fields)) {
        fail(fields);
        return 0;
    }
    return whole * 1000000000 + fraction;
}

int64_t mp_fields_seconds(struct mp_fields *fields)
{
    return take_decimal(fields);
}

int64_t mp_fields_percent(struct mp_fields *fields)
{
    return take_decimal(fields);
}

int mp_fields_integer(struct mp_fields *fields)
{
    int64_t whole = take_whole(fields, INT_MAX);
    if (whole < 0 || !take_blank(fields)) {
        fail(fields);
        return 0;
    }
    return (int)whole;
}

struct mp_fields mp_fields_take_last(struct mp_fields *fields)
{
    const char *start = fields->end;
    while (start > fields->at && start[-1] != ' ')
        start--;
    struct mp_fields last = {start, fields->end, start == fields->end};
    fields->end = start > fields->at ? start - 1 : start;
    return last;
}

bool mp_fields_done(const struct mp_fields *fields)
{
    return !fields->failed && fields->at == fields->end;
}
