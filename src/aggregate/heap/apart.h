/* Where two runs are furthest apart: their heaps over time, each in shares of its own time.
 *
 *     before  ___/''''\___         the same work took other times: a heap is beside whatever the other
 *     after   ____/''''''\__       one was within a few stretches of there
 *                        ^
 */
#ifndef MP_AGGREGATE_HEAP_APART_H
#define MP_AGGREGATE_HEAP_APART_H

#include <stdbool.h>

#include "aggregate/heap/twin_files.h"

struct mp_heap_apart {
    int64_t time[MP_HEAP_SIDES]; /* ns after each one's start */
    int64_t heap[MP_HEAP_SIDES]; /* bytes, the most near there */
};

/* Whether there is a place where they differ by more than `least` bytes. */
bool mp_heap_apart_find(struct mp_heap_apart *, const struct mp_heap_view *before,
                        const struct mp_heap_view *after, int64_t least);

#endif
