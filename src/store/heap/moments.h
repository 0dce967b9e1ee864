/* Checks the moments of a heap capture: what their entries lead to, and that figures can be. */
#ifndef MP_STORE_HEAP_MOMENTS_H
#define MP_STORE_HEAP_MOMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "record/heap.h"

/* What may be missing of a file that was cut, or is being written: that is no damage. */
struct mp_heap_moments_lack {
    bool nodes, entries;
};

/* Of moment i: NULL, or what is wrong. Entries of stacks that are missing are added to its rest, and
   its figures are the sums; a moment whose entries are missing is none. `entries`: the whole table. */
const char *mp_heap_moment_check(const struct mp_heap_view *, struct mp_heap_moment *,
                                 struct mp_heap_holding *entries, size_t i,
                                 const struct mp_heap_moments_lack *);

#endif
