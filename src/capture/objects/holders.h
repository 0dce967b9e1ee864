/* Who keeps objects alive: questions about all objects of one moment, answered by one walk.
 *
 *     clone ─► child: graph ─► reach, dominators ─► rows of each question ─► shared memory ─► ends
 *       └────► the program goes on; who asked waits, without the interpreter's lock
 *
 * The child runs tp_traverse of the objects' types and nothing else of the program's: if one of these breaks,
 * the child dies over it. Where no child can be made all of it happens in place.
 */
#ifndef MP_CAPTURE_OBJECTS_HOLDERS_H
#define MP_CAPTURE_OBJECTS_HOLDERS_H

#include "capture/heap/frames/layout.h"

#include <stddef.h>
#include <sys/types.h>

#include "capture/objects/question.h"
#include "record/holders.h"

struct mp_inquiry {
    const struct mp_question *questions;
    uint32_t count;
    PyObject
        *aside; /* the list that holds what is asked for, for us alone; NULL: none does */
    const char *own; /* how names of our own files begin */
    /* Runs something while no thread writes what lines are found by; NULL: nobody asks for lines. */
    void (*still)(void (*run)(void *), void *context);
    uint32_t *looked,
        number; /* where the child says at its end which inquiry it was; NULL: nowhere */
};

/* Begins to fill memory that mp_holders_new() gave: by the child that is returned, 0: it was done in place. The caller
   has the interpreter's lock, and nothing of the inquiry is needed any more. */
pid_t mp_holders_begin(struct mp_holders *, const struct mp_inquiry *);

/* Whether the child has ended. Any thread, without locks. */
bool mp_holders_is_over(pid_t child);

/* Waits for the child, while others have the interpreter's lock. `*interrupted` is set where a signal's handler of Python's raised: the child is ended. NULL: handlers wait
   too. 0, or -1 with errno. */
int mp_holders_end(struct mp_holders *, pid_t child, bool *interrupted);

/* Both. */
int mp_holders_find(struct mp_holders *, const struct mp_inquiry *, bool *interrupted);

/* Shared with children. NULL with errno ENOMEM. */
struct mp_holders *mp_holders_new(void);
void mp_holders_free(struct mp_holders *);

#endif
