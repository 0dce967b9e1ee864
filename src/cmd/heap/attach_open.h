/* A process that mprof attaches to, and what it needs for it. */
#ifndef MP_CMD_HEAP_ATTACH_OPEN_H
#define MP_CMD_HEAP_ATTACH_OPEN_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "capture/attach/target.h"
#include "cmd/heap/attach_room.h"

struct mp_attach {
    struct mp_target target;
    struct mp_attach_room room;
    sigset_t ends;
    char *folder, *path; /* owned: the package; the capture as we know it */
    bool apart;          /* the capture is in the room, and comes home */
    bool in_memory;      /* and in no file until it ends */
    bool goes_on;        /* it was asked to end, and did not */
};

/* What the words of a command line mean: a number, of a process; -1: it is none that can be. */
int64_t mp_attach_pid(const char *word);

/* Looks at the process of this number; `begins`: a recording is to begin. From here on signals that end us are
   blocked. The caller releases it, whatever the result. 0, or the exit code, and why was said. */
int mp_attach_open(struct mp_attach *, const char *word, bool begins);

/* Gives it a room, and our package where it has none. Likewise. */
int mp_attach_bring(struct mp_attach *);
void mp_attach_release(struct mp_attach *);

#endif
