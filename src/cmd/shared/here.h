/* The recordings of this directory by what is in them, whatever their names: all commands that are
 * given no file take the newest of these. */
#ifndef MP_CMD_SHARED_HERE_H
#define MP_CMD_SHARED_HERE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mp_recording {
    char *name;      /* owned */
    int64_t started; /* ns since 1970 */
    bool heap;       /* else a timeline */
};

struct mp_recordings {
    struct mp_recording *items; /* owned; in the order in which they began */
    size_t count, room;
};

/* Regular files alone, and of the captures of a heap run the first process's. 0, or -1 with errno;
   the caller releases them either way. */
int mp_recordings_find(struct mp_recordings *);
void mp_recordings_release(struct mp_recordings *);

/* The name of the one that began last, or NULL; owned by the caller. */
char *mp_newest_here(bool heaps_alone);

/* When a recording of that name began; 0 where that is not known. */
int64_t mp_recording_started(const char *name, bool heap);

#endif
