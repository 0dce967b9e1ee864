/* The captures of a run, followed together: the first process's, and those of its children as they come. */
#ifndef MP_CMD_TOP_MEMBERS_H
#define MP_CMD_TOP_MEMBERS_H

#include <stdbool.h>

#include "aggregate/heap/live.h"
#include "capture/process/meter.h"
#include "store/heap/follow.h"
#include "store/heap/request.h"

struct mp_top_member {
    char *path; /* owned */
    struct mp_heap_follow follow;
    struct mp_heap_live_process process;
    struct mp_meter meter;               /* of the process, where it can be seen */
    bool is_seen, is_running, is_broken; /* broken: not read now, and said */
    uint64_t session;
    char name[MP_HEAP_COMMAND];
    struct mp_heap_asking *asking; /* owned: a mark that is not answered yet, or NULL */
};

struct mp_top_members {
    struct mp_top_member **all; /* owned, each too: they stay where they are */
    struct mp_heap_live_process *
        *shown; /* owned: of those that run; of all, where none does */
    size_t count, room, shown_count, shown_room, running;
    bool alone;
    uint64_t children;   /* that the first process knew of at the last look */
    const char *problem; /* what could not be read at the last look, or NULL */
};

/* Opens the first. `pid`: of its process as it is called here; 0: as the capture says. Returns 0, or the exit
   code, and why was said. Released whatever the result. */
int mp_top_members_open(struct mp_top_members *, const char *path, bool alone, int64_t pid);
void mp_top_members_release(struct mp_top_members *);

/* Reads all again, and those that are new; *changed: whether anything did. 0, or -1 with errno ENOMEM. */
int mp_top_members_look(struct mp_top_members *, bool *changed);

/* Resident bytes of those that run, now; -1: not known of all. */
int64_t mp_top_members_rss(struct mp_top_members *);

/* Live bytes, and the sum of the peaks, of those that are shown. */
int64_t mp_top_members_heap(const struct mp_top_members *);
int64_t mp_top_members_peak(const struct mp_top_members *);

/* What was resident when the process was attached to; -1: it was not, or there are several. */
int64_t mp_top_members_before(const struct mp_top_members *);

/* Asks all that run for a mark. How many were asked. */
size_t mp_top_members_mark(struct mp_top_members *, const char *name);

/* Whether some have not answered yet; *refused: how many had no room, or ended. */
bool mp_top_members_are_asked(struct mp_top_members *, size_t *refused);

#endif
