/* The slots of a capture's moments: taken, listed, given back. */
#ifndef MP_CAPTURE_HEAP_ACCOUNTING_MOMENT_SLOTS_H
#define MP_CAPTURE_HEAP_ACCOUNTING_MOMENT_SLOTS_H

#include <stdint.h>

#include "record/heap.h"

/* How many the series may have in so large a file, and as many marks. */
unsigned mp_moment_slots_most(const struct mp_heap *);

/* A slot, which is not listed, for a moment of these flags and this name. `most`: as many may be listed of
   the series, and of marks; fewer, once the file has no room. Where there are, every second of the
   series is given back and the period doubles; of marks the oldest that has a later namesake. -1:
   none can be had. */
int mp_moment_slots_take(struct mp_heap *, unsigned most[2],
                         const struct mp_heap_moment *next);

/* It is complete. `stamp` is no other's. */
void mp_moment_slots_list(struct mp_heap *, uint32_t slot, const struct mp_heap_moment *,
                          uint32_t stamp);

#endif
