#include "report/size.h"

#include <inttypes.h>
#include <stdio.h>

const char *mp_size_text(int64_t bytes, char room[MP_SIZE_ROOM])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes / 1024;
    size_t unit = 0;
    while (value >= 1023.95 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1024;
        unit++;
    }
    if (bytes < 1024)
        snprintf(room, MP_SIZE_ROOM, "%" PRId64 " B", bytes);
    else
        snprintf(room, MP_SIZE_ROOM, "%.1f %s", value, units[unit]);
    return room;
}
