/* What two sequences have in common, in their order: lines of a function before and after a change.
 *
 *     a  b  c  d              equal ones are paired, as many as there can be (the longest common
 *     |  |   \  \             subsequence); between two pairs, as many on both sides are one
 *     a  x  n  c  d           replaced by the other: b by x n is not, b by x would be
 */
#ifndef MP_AGGREGATE_HEAP_ALIGN_H
#define MP_AGGREGATE_HEAP_ALIGN_H

#include <stddef.h>
#include <stdint.h>

/* What all alignments of one comparison may take together. Zero is a beginning. */
struct mp_align {
    uint16_t *table; /* owned */
    size_t room;
    uint64_t spent; /* cells */
};

void mp_align_release(struct mp_align *);

/* pairs[i]: the position + 1 in `b` of what a[i] is there, 0 where it is gone. Sequences that differ in
   more than some thousand places are paired at their equal ends alone. 0, or -1 with errno ENOMEM. */
int mp_align(struct mp_align *, const uint64_t *a, size_t a_count, const uint64_t *b,
             size_t b_count, uint32_t *pairs);

#endif
