/* The folder through which mprof and a process that it attaches to speak: in the process's own /tmp, its
 * own (0700), gone when all is done. Its mprof holds a lock on it: who makes the next one removes those that
 * nobody holds any more, but for captures.
 *
 *     mprof                                      the process
 *     request, package (where it has none)  ─►   runs the request, once: it removes it
 *     reads the answer                      ◄─   answer
 *     takes it home                         ◄─   its capture, where it may write to no file of ours
 */
#ifndef MP_CMD_HEAP_ATTACH_ROOM_H
#define MP_CMD_HEAP_ATTACH_ROOM_H

#include <stdbool.h>
#include <stddef.h>

#include "capture/attach/target.h"

#define MP_ATTACH_CAPTURE "heap.mprof" /* in it; of children heap.mprof.PID */
#define MP_ATTACH_REQUEST "request"
#define MP_ATTACH_ASKED \
    "asked" /* the number of the process that was told to run the request */

struct mp_attach_room {
    const struct mp_target *target;
    int parent, folder; /* descriptors of the folder that it is in, and its own; -1 */
    char name[32];
    char there[64];  /* its path as the process knows it */
    bool other_root; /* its files are not all ours */
    bool other_user; /* nor are we its user */
};

/* 0, or the exit code of what it said. */
int mp_attach_room_open(struct mp_attach_room *, const struct mp_target *);

/* Removes it with all that is in it. */
void mp_attach_room_close(struct mp_attach_room *);

/* Leaves it, with what is in it, to who comes next. */
void mp_attach_room_leave(struct mp_attach_room *);

/* The room in which a capture is that the process records, where no mprof is there any more to bring it
   home: `capture` as the process knows it. False: there is no such room, or its mprof lives. */
bool mp_attach_room_adopt(struct mp_attach_room *, const struct mp_target *,
                          const char *capture);

/* A file in it, or in a folder in it, which is the process's to read. 0, or -1 with errno. */
int mp_attach_room_put(struct mp_attach_room *, const char *name, const char *bytes,
                       size_t length);
int mp_attach_room_make_folder(struct mp_attach_room *, const char *name);

/* What is in a file of it, ended by NUL, the caller's to free; NULL: there is none. */
char *mp_attach_room_read(const struct mp_attach_room *, const char *name);

/* Whether it was there. */
bool mp_attach_room_take_back(struct mp_attach_room *, const char *name);

#endif
