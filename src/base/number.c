#include "base/number.h"

#include "base/saturate.h"

static char *put_unsigned(char *out, uint64_t value, int width)
{
    char digits[20];
    int count = 0;
    do
        digits[count++] = (char)('0' + value % 10);
    while (value /= 10);
    while (count < width)
        digits[count++] = '0';
    while (count)
        *out++ = digits[--count];
    return out;
}

char *mp_number_put_integer(char *out, int64_t value)
{
    if (value < 0)
        *out++ = '-';
    return put_unsigned(out, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 1);
}

static uint64_t power_of_ten(int exponent)
{
    uint64_t power = 1;
    while (exponent-- > 0)
        power *= 10;
    return power;
}

char *mp_number_put_mib(char *out, int64_t bytes, int decimals)
{
    const uint64_t unit = 1 << 20, scale = power_of_ten(decimals);
    uint64_t size = bytes < 0 ? -(uint64_t)bytes : (uint64_t)bytes;
    if (bytes < 0)
        *out++ = '-';
    uint64_t whole = size / unit, scaled = size % unit * scale;
    uint64_t fraction = scaled / unit, rest = scaled % unit;
    if (rest > unit / 2 || (rest == unit / 2 && fraction & 1))
        fraction++;
    if (fraction == scale) {
        whole++;
        fraction = 0;
    }
    out = put_unsigned(out, whole, 1);
    *out++ = '.';
    return put_unsigned(out, fraction, decimals);
}

char *mp_number_put_seconds(char *out, int64_t nanoseconds, int decimals)
{
    int64_t step = (int64_t)power_of_ten(9 - decimals),
            scale = (int64_t)power_of_ten(decimals);
    int64_t ticks = mp_sum(nanoseconds, step / 2) / step;
    if (ticks < 0)
        ticks = 0;
    out = put_unsigned(out, (uint64_t)(ticks / scale), 1);
    *out++ = '.';
    return put_unsigned(out, (uint64_t)(ticks % scale), decimals);
}
