/* Which moment of a heap capture is shown, or which stretch, in words and in JSON. */
#ifndef MP_REPORT_HEAP_RANGE_H
#define MP_REPORT_HEAP_RANGE_H

#include <stdio.h>

#include "record/heap.h"

enum { MP_HEAP_RANGE_WORDS = 1024 };

/* "at the peak", "at 12.481 s", "at the mark warm (0.324 s)", "at the end (1.241 s)"; of a view with growth
   "from the mark warm (0.324 s) to the end (1.241 s)". Escaped for terminals. Returns its room. */
const char *mp_heap_range_words(const struct mp_heap_view *,
                                char room[MP_HEAP_RANGE_WORDS]);

/* The same behind some words, "Your lines, ". */
const char *mp_heap_range_title(const struct mp_heap_view *, const char *before,
                                char room[MP_HEAP_RANGE_WORDS]);

/* Members of an object: "range", null where nothing was asked for; "moments" and "marks", of the instants given
   or, where they are NULL, of the view's own. */
void mp_heap_range_json(FILE *, const struct mp_heap_view *, const struct mp_heap_instant *,
                        size_t count);

#endif
