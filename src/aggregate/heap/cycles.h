/* Recursion in a capture's stacks, direct and mutual: which functions call each other in turns.
 *
 *     main ─► build ─► Node.__init__ ─► build ─► Node.__init__ ─► build ─► ...
 *             └────── a cycle ──────┘   └───── its second time ─────┘
 */
#ifndef MP_AGGREGATE_HEAP_CYCLES_H
#define MP_AGGREGATE_HEAP_CYCLES_H

#include <stdbool.h>

#include "aggregate/heap/own.h"

struct mp_heap_cycles {
    uint32_t *
        groups; /* owned; of each code: the functions it runs in turns with; 0: it does not */
    uint32_t *
        times; /* owned; of each node: how many times its function has run in turns; 0: once */
    bool any;
};

/* Cycles of at most eight functions that some stack runs at least so many times without another
   function between. What is ours or only starts the program and,
   where `together`, import machinery is looked through; that machinery is in no cycle. 0, or -1 with errno ENOMEM. */
int mp_heap_cycles_init(struct mp_heap_cycles *, const struct mp_heap_view *,
                        const struct mp_heap_own *, uint32_t least, bool together);
void mp_heap_cycles_release(struct mp_heap_cycles *);

#endif
