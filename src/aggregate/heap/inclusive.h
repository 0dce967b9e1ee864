/* What places hold with all that they call. A place is whatever nodes have a number in common: a
 * line, a function, a file.
 *
 *     main:3 ─┬─► load:7 (5 MiB)       main:3 has 6 MiB, load:7 has 6 MiB, load:8 has 1 MiB
 *             └─► load:7 ─► load:8 (1 MiB)
 *
 * A block counts once for each place of its stack, however often that recurs.
 */
#ifndef MP_AGGREGATE_HEAP_INCLUSIVE_H
#define MP_AGGREGATE_HEAP_INCLUSIVE_H

#include <stddef.h>
#include <stdint.h>

#include "aggregate/heap/own.h"
#include "record/heap.h"

struct mp_heap_sum {
    int64_t at_peak, live; /* bytes */
    uint64_t total;
    int64_t growth; /* bytes */
};

/* By what lines and files are shown: what they hold at the peak, or what grew. */
static inline int64_t mp_heap_sum_shown(const struct mp_heap_view *view,
                                        const struct mp_heap_sum *sum)
{
    return view->growth ? sum->growth : sum->at_peak;
}

void mp_heap_sum_add(struct mp_heap_sum *to, const struct mp_heap_sum *);

struct mp_heap_inclusive {
    size_t count;                         /* of nodes */
    const struct mp_heap_node *nodes;     /* borrowed */
    uint32_t *first_child, *next_sibling; /* owned as all; of each node; 0: none */
    struct mp_heap_sum *sums;             /* of each node with all below it */
};

/* What memory_profiler's own code allocated is left out; `own` NULL: it is not. 0, or -1 with errno
   ENOMEM. */
int mp_heap_inclusive_init(struct mp_heap_inclusive *, const struct mp_heap_view *,
                           const struct mp_heap_own *own);
void mp_heap_inclusive_release(struct mp_heap_inclusive *);

/* `places` has the number of each node's place, 1 to `most`; 0: it has none. Sets sums[1] to
   sums[most]. One pass over the nodes. 0, or -1 with errno ENOMEM. */
int mp_heap_inclusive_sum(const struct mp_heap_inclusive *, const uint32_t *places,
                          size_t most, struct mp_heap_sum *sums);

#endif
