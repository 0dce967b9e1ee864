/* Asks a process for something, and waits for its answer. */
#ifndef MP_CMD_HEAP_ATTACH_ASK_H
#define MP_CMD_HEAP_ATTACH_ASK_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "cmd/heap/attach_room.h"
#include "record/heap_holders.h"

struct mp_attach_asked {
    const char *folder; /* that has memory_profiler, as the process knows it */
    bool begin;         /* else the recording that was begun ends */
    const char *path;   /* of the capture, as the process knows it */
    const struct mp_heap_wants
        *objects; /* not NULL: nothing begins or ends, who holds objects goes there */
    uint64_t sample, max_file;
    bool no_native, no_source, children;
};

enum { MP_ATTACH_LINES = 4 };

struct mp_attach_answer {
    char *text;                         /* owned */
    const char *lines[MP_ATTACH_LINES]; /* in it; "" where there are fewer */
    int64_t took;                       /* ns, from the asking */
};

/* Signals that end the waiting are those of the set, which are blocked. 0, or the exit code of what it
   said; the caller frees the answer's text either way. */
int mp_attach_ask(struct mp_attach_room *, struct mp_target *,
                  const struct mp_attach_asked *, const sigset_t *ends,
                  struct mp_attach_answer *);

#endif
