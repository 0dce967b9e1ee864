/* The recordings below a folder: timelines, or heap captures where there are no timelines. */
#ifndef MP_CMD_SHARED_BELOW_H
#define MP_CMD_SHARED_BELOW_H

#include <stddef.h>

struct mp_below {
    char **paths; /* owned, each too; by name */
    size_t count, room;
};

/* Links in it are not followed. 0, or -1 with errno; the caller releases it either way. */
int mp_below_find(struct mp_below *, const char *folder);
void mp_below_release(struct mp_below *);

#endif
