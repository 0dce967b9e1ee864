#include "cmd/shared/default_names.h"

#include <stdlib.h>
#include <string.h>

enum { STAMP_DIGITS = 14 };

static const char timeline[] = "mprofile_", heap[] = "mprofheap_";

static bool starts_with(const char *name, const char *start)
{
    return !strncmp(name, start, strlen(start));
}

bool mp_profiles_is_heap(const char *name)
{
    return starts_with(name, heap);
}

const char *mp_profiles_stamp(const char *name)
{
    return name + strlen(mp_profiles_is_heap(name) ? heap : timeline);
}

bool mp_profiles_is_listed(const char *name)
{
    if (!starts_with(name, timeline) && !starts_with(name, heap))
        return false;
    const char *end = mp_profiles_stamp(name);
    if (strlen(end) < STAMP_DIGITS)
        return false;
    end += STAMP_DIGITS;
    if (*end == '-' && end[1] >= '0' && end[1] <= '9')
        end += 1 + strspn(end + 1, "0123456789");
    return !strcmp(end, mp_profiles_is_heap(name) ? ".mprof" : ".dat");
}

/* Timelines first; "…05.dat" before "…05-1.dat" before "…05-2.dat". */
int mp_profiles_by_age(const char *a, const char *b)
{
    if (mp_profiles_is_heap(a) != mp_profiles_is_heap(b))
        return mp_profiles_is_heap(a) ? 1 : -1;
    a = mp_profiles_stamp(a);
    b = mp_profiles_stamp(b);
    int stamp = strncmp(a, b, STAMP_DIGITS);
    long first = strtol(a + STAMP_DIGITS, NULL, 10);
    long second = strtol(b + STAMP_DIGITS, NULL, 10);
    return stamp ? stamp : (second > first) - (second < first);
}
