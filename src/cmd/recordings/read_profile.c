#include "cmd/recordings/read_profile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/held.h"
#include "cmd/heap/timeline.h"
#include "cmd/shared/command.h"
#include "store/dat/read.h"
#include "store/heap/read.h"

/* Whether an mprof still writes it. */
static bool is_held(const char *path)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    bool held = fd >= 0 && mp_held_by_other(fd);
    if (fd >= 0)
        close(fd);
    return held;
}

enum { MOST_TOLD = 8 };

/* Notes on recordings that were read, of which very many say nothing more. */
static size_t told;

static void tell_gaps(const struct mp_timeline *timeline, const char *path)
{
    bool open = timeline->cut || (timeline->version && !timeline->ended);
    if ((!timeline->skipped && !open) || told++ >= MOST_TOLD)
        return;
    if (timeline->skipped)
        mp_note("%s: skipped %llu %s that could not be understood, the first is line %llu",
                path, (unsigned long long)timeline->skipped,
                timeline->skipped == 1 ? "line" : "lines",
                (unsigned long long)timeline->first_skipped);
    if (timeline->cut)
        mp_note("%s: incomplete: the last line is cut off", path);
    else if (open)
        mp_note("%s: incomplete: the recording %s", path,
                is_held(path) ? "goes on" : "was not closed");
}

void mp_profiles_told(void)
{
    if (told > MOST_TOLD)
        mp_note("and %zu more recordings that are incomplete or have such lines",
                told - MOST_TOLD);
}

int mp_profiles_read(struct mp_timeline *timeline, const char *path)
{
    if (mp_heap_started(path) >= 0)
        return mp_heap_timeline_read(timeline, path);
    switch (mp_dat_read(timeline, path)) {
    case MP_DAT_OK:
        tell_gaps(timeline, path);
        return 0;
    case MP_DAT_SYSTEM:
        return mp_fail("cannot read %s: %s", path, strerror(errno));
    case MP_DAT_EMPTY:
        return mp_fail("%s is empty%s", path,
                       mp_dat_is_ours(path) == 1 ? "; 'mprof rm' removes it" : "");
    case MP_DAT_FUTURE:
        return mp_fail("%s was made by version %d of the format, later than this mprof",
                       path, timeline->version);
    case MP_DAT_FOREIGN:
        break;
    }
    return mp_fail("%s is not an mprof capture", path);
}
