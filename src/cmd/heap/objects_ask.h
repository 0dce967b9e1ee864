/* Asks a process that runs who holds its objects. */
#ifndef MP_CMD_HEAP_OBJECTS_ASK_H
#define MP_CMD_HEAP_OBJECTS_ASK_H

#include "record/heap_holders.h"

struct mp_heap_objects_answer {
    char *
        path; /* owned: of the capture that has it, to be read while this is not released */
    int fd;   /* owned; -1 */
};

/* Through the mapping of its recording, or where nobody records it, or nothing runs there that looks into it, by
   attaching to it: then the answer is in a capture of its own. 0, or the exit code, and why was said; the caller
   releases it either way. */
int mp_heap_objects_ask(struct mp_heap_objects_answer *, const char *pid,
                        const struct mp_heap_wants *);
void mp_heap_objects_release(struct mp_heap_objects_answer *);

#endif
