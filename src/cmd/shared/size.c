#include "cmd/shared/size.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cmd/shared/command.h"

enum { SIZE = 32 };

static const char units[] = "KMGT";

int64_t mp_size_parse(const char *text)
{
    char *end;
    if (!isdigit((unsigned char)*text))
        return -1; /* strtod takes blanks, signs, words and hexadecimal digits too */
    if (text[0] == '0' && (text[1] | ' ') == 'x')
        return -1;
    double value = strtod(text, &end);
    while (*end == ' ')
        end++;
    const char *unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
    if (unit) {
        value *= (double)(1ll << 10 * (unit - units + 1));
        end++;
        if (!strcasecmp(end, "iB"))
            end++;
    }
    if (*end && strcasecmp(end, "B") != 0)
        return -1;
    return value >= 0x1p62 ? -1 : (int64_t)value;
}

static const char *show(int64_t bytes, char room[SIZE])
{
    double size = (double)bytes;
    if (bytes < 1024) {
        snprintf(room, SIZE, "%d B", (int)bytes);
        return room;
    }
    const char *unit = units;
    for (size /= 1024; size >= 1024 && unit[1]; size /= 1024)
        unit++;
    snprintf(room, SIZE, "%.1f %ciB", size, *unit);
    return room;
}

int mp_size_check(const char *what, int64_t peak, int64_t most)
{
    char rooms[3][SIZE];
    if (most < 0 || peak <= most)
        return 0;
    return mp_fail("%s: peak %s, %s over --max %s", what, show(peak, rooms[0]),
                   show(peak - most, rooms[1]), show(most, rooms[2]));
}
