/* What the bars of line tables are compared with: the same for all functions of a page, so that a
 * bar twice as long is twice as much, in whichever table. And where the most memory was.
 */
#ifndef MP_REPORT_LINES_SCALE_H
#define MP_REPORT_LINES_SCALE_H

#include <stdbool.h>
#include <stddef.h>

#include "record/source.h"

struct mp_line_scale {
    int64_t memory, least;         /* the largest and the least of the levels */
    int64_t increment;             /* the largest, either way; without the entry rows */
    int64_t moved;                 /* the largest Allocated or Freed */
    int64_t held;                  /* the largest Net, either way, or Heap peak */
    const struct mp_function *top; /* the function with the most memory; NULL: none ran */
    int top_row;                   /* its first row that had it */
    int64_t top_bytes;
};

/* `peaks`: the rows' marks are shown, and count. */
struct mp_line_scale mp_line_scale(const struct mp_function *, size_t count, bool peaks);

/* The row that added most; -1: none added. */
int mp_line_hottest(const struct mp_line_table *);

#endif
