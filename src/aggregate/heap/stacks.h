/* The stacks of a heap capture as a reader knows them. Two calls in one line are two nodes, which
 * differ in the instruction alone; here the nodes whose frames are on the same lines all the way
 * are one stack, named by the first of them. */
#ifndef MP_AGGREGATE_HEAP_STACKS_H
#define MP_AGGREGATE_HEAP_STACKS_H

#include <stdint.h>

#include "record/heap.h"

struct mp_heap_stacks {
    uint32_t *first; /* owned; of each node: the first of its stack */
    int *lines;      /* owned; of each node: the line of its own frame */
};

/* 0, or -1 with errno ENOMEM. */
int mp_heap_stacks_init(struct mp_heap_stacks *, const struct mp_heap_view *);
/* The lines alone. */
int mp_heap_stacks_init_lines(struct mp_heap_stacks *, const struct mp_heap_view *);
void mp_heap_stacks_release(struct mp_heap_stacks *);

#endif
