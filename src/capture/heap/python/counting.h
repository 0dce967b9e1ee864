/* One look at every block that the recording knows, while nothing changes: what it is, and whose; what there is of each
 * stack and type is a row.
 *
 *     blocks, in order ─► some at a time: ─► their types ─► their rows
 *                                                 └─► what the objects keep beside ─► some at a time: its rows
 *
 * Blocks of many types and stacks lie beside each other, so that neither the next type nor its row can be foreseen; what one
 * needs is fetched for all of them before the first is looked at.
 */
#ifndef MP_CAPTURE_HEAP_PYTHON_COUNTING_H
#define MP_CAPTURE_HEAP_PYTHON_COUNTING_H

#include "base/slots.h"
#include "capture/heap/accounting/ledger.h"
#include "capture/heap/accounting/nest.h"
#include "capture/heap/python/objects.h"
#include "record/heap.h"

enum { MP_COUNTING_AT_A_TIME = 64 };

struct mp_counting_seen {
    uintptr_t address;
    size_t size;
    uint32_t stack;
    uint32_t type;  /* numbered as in rows, until the census names them */
    uint32_t owner; /* of what an object keeps: the object's type */
};

struct mp_counting_some {
    size_t count;
    struct mp_counting_seen seen[MP_COUNTING_AT_A_TIME];
};

struct mp_counting {
    struct mp_heap_typed *rows; /* the caller's from then on; in no order */
    size_t row_count, row_room;
    struct mp_object_types types;
    struct mp_slots index;          /* positions + 1 of rows, by stack and type */
    const struct mp_nest *part;     /* borrowed */
    const struct mp_ledger *ledger; /* borrowed */
    uint64_t period;                /* of a sampled recording */
    int failed;                     /* ENOMEM, or 0 */
    struct mp_counting_some blocks, kept;
};

/* Of a part of the recording that is open, NULL: of all of it. 0, or -1: `failed` says why. */
int mp_counting_init(struct mp_counting *, const struct mp_nest *part);
void mp_counting_release(struct mp_counting *);

/* With the hooks paused and the interpreter's lock. About 20 ns a block. */
void mp_counting_look(void *counting);

#endif
