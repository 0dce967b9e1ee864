#include "report/timeline/words.h"

#include <stdio.h>

enum { MINUTE = 60, HOUR = 3600, DAY = 86400, SHORT = 2 * MINUTE };

static const double MIB = 1 << 20, KILO = 1024;

/* A duration in its two largest units, rounded to the smaller. */
struct unit {
    double from; /* seconds; the units below are for shorter ones */
    long long large, small;
    const char *large_name, *small_name;
};

static const struct unit units[] = {{DAY, DAY, HOUR, "d", "h"},
                                    {HOUR, HOUR, MINUTE, "h", "min"},
                                    {0, MINUTE, 1, "min", "s"}};

const char *mp_duration_words(char text[MP_WORDS_ROOM], double seconds)
{
    const struct unit *unit = units;
    if (!(seconds >= SHORT && seconds < 1e12)) {
        snprintf(text, MP_WORDS_ROOM, "%.3f s", seconds);
        return text;
    }
    while (seconds < unit->from)
        unit++;
    long long small = (long long)(seconds / (double)unit->small + 0.5);
    long long each = unit->large / unit->small, rest = small % each;
    int used = snprintf(text, MP_WORDS_ROOM, "%lld %s", small / each, unit->large_name);
    if (rest)
        snprintf(text + used, MP_WORDS_ROOM - (size_t)used, " %lld %s", rest,
                 unit->small_name);
    return text;
}

const char *mp_memory_words(char text[MP_WORDS_ROOM], int64_t bytes)
{
    static const char *const names[] = {"MiB", "GiB", "TiB", "PiB"};
    double size = (double)bytes / MIB;
    size_t unit = 0;
    while (size >= KILO && unit + 1 < sizeof names / sizeof *names) {
        size /= KILO;
        unit++;
    }
    snprintf(text, MP_WORDS_ROOM, "%.3f %s", size, names[unit]);
    return text;
}
