#include "report/lines/size.h"

#include <stdio.h>

const char *mp_size_text(int64_t bytes, int precision, char room[MP_SIZE_ROOM])
{
    const int64_t kib = 1024, mib = kib * kib, size = bytes < 0 ? -bytes : bytes;
    if (size < kib)
        snprintf(room, MP_SIZE_ROOM, "%lld   B", (long long)bytes);
    else if (size < mib)
        snprintf(room, MP_SIZE_ROOM, "%.*f KiB", precision, (double)bytes / (double)kib);
    else
        snprintf(room, MP_SIZE_ROOM, "%.*f MiB", precision, (double)bytes / (double)mib);
    return room;
}
