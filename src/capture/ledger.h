/* The books of a heap capture: what each allocation and each free changes. Exact, O(1).
 *
 *     a new maximum     epoch++, which makes every node's `live` its value at the peak
 *     first change of   the value from before is saved in `at_peak`, and the node has the
 *     a node since      new epoch
 *
 * One thread at a time; the caller has a lock. Allocates with mmap only.
 */
#ifndef MP_CAPTURE_LEDGER_H
#define MP_CAPTURE_LEDGER_H

#include <stdbool.h>

#include "capture/meter.h"
#include "capture/shadow.h"
#include "capture/stacks.h"
#include "record/heap.h"

struct mp_ledger {
    struct mp_heap *heap; /* borrowed */
    struct mp_shadow shadow;
    struct mp_stacks stacks;
    struct mp_meter meter;
    int64_t start;      /* monotonic, ns */
    int64_t next_point; /* of the time series, ns since the start */
    int64_t timed_peak; /* the peak whose time is known */
    unsigned countdown; /* events until the clock is read */
};

/* Opens the books of an empty capture. 0, or -1 with errno. */
int mp_ledger_init(struct mp_ledger *, struct mp_heap *);
void mp_ledger_release(struct mp_ledger *);

/* A block was allocated. */
void mp_ledger_add(struct mp_ledger *, struct mp_heap_thread *, uintptr_t address,
                   size_t size, uint32_t stack);

/* A block that mp_shadow_take() knew was freed; `temporary`: before its thread's next one. */
void mp_ledger_remove(struct mp_ledger *, struct mp_heap_thread *, const struct mp_block *,
                      bool temporary);

/* Reads the clock and the meter for the time series, and dates the peak. */
void mp_ledger_note_time(struct mp_ledger *, bool point);

#endif
