/* Marks, counts of types, and who holds objects, that another process asks for, through the mapping that the recorder has: no signal, no
 * socket, and nothing runs in the program but what it does anyway.
 *
 *     mprof mark      │ requests: [ warm | done | ...     ] asked 2, answered 1 │     recorder
 *       writes a name ─►            then raises asked, sets a bit of `tell`      ─► sees the bit
 *       reads when    ◄─            `taken`, when answered is raised            ◄─  before a node changes
 */
#ifndef MP_STORE_HEAP_REQUEST_H
#define MP_STORE_HEAP_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/guard.h"
#include "store/heap/header.h"

enum mp_heap_asking_problem {
    MP_HEAP_ASKING_OK,
    MP_HEAP_ASKING_SYSTEM, /* errno says what */
    MP_HEAP_ASKING_FOREIGN,
    MP_HEAP_ASKING_OLD,   /* a version that takes no marks from outside */
    MP_HEAP_ASKING_OVER,  /* the recording, or its program, has ended */
    MP_HEAP_ASKING_COPY,  /* nobody is known to record into it */
    MP_HEAP_ASKING_OFF,   /* it takes no moments */
    MP_HEAP_ASKING_CROWD, /* as many as can wait do already */
    MP_HEAP_ASKING_BUSY   /* another process asks, and does not end */
};

struct mp_heap_asking {
    struct mp_heap_header *header; /* owned: mapped */
    struct mp_guarded guarded;
    int fd;          /* owned */
    uint32_t number; /* of the request */
};

/* Asks for a mark of this name, of 1 to MP_HEAP_MARK bytes, in the capture that is being recorded. It must
   stay where it is until it is released, by the caller, whatever the result. */
enum mp_heap_asking_problem mp_heap_ask(struct mp_heap_asking *, const char *path,
                                        const char *name);

/* Asks for a count of what its blocks are, likewise. */
enum mp_heap_asking_problem mp_heap_ask_types(struct mp_heap_asking *, const char *path);
bool mp_heap_asking_has_types(const struct mp_heap_asking *);

enum mp_heap_asking_state {
    MP_HEAP_ASKING_WAITS,
    MP_HEAP_ASKING_BEGUN,
    MP_HEAP_ASKING_LOOKED, /* and the answer lies ready, for the program to put it there */
    MP_HEAP_ASKING_ANSWERED
};

/* Asks who holds objects, likewise. */
enum mp_heap_asking_problem mp_heap_ask_holders(struct mp_heap_asking *, const char *path,
                                                const struct mp_heap_wants *);
enum mp_heap_asking_state mp_heap_asking_holders(const struct mp_heap_asking *);

/* Whether it was answered. Sets the time of the mark, ns since the start, -1: there was no room; else when it was
   asked: until the recorder changes anything that is what the mark will be of. */
bool mp_heap_asking_is_answered(const struct mp_heap_asking *, int64_t *taken);

/* Whether nobody will answer any more. */
bool mp_heap_asking_is_over(const struct mp_heap_asking *);

void mp_heap_asking_release(struct mp_heap_asking *);

/* The capture that a process records into, by its mappings: its name, the caller's to free. NULL with errno:
   ENOENT it has none, ESRCH there is no such process, or why that cannot be seen. */
char *mp_heap_of_process(int64_t pid);

#endif
