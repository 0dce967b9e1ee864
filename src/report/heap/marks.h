/* What is said where the line that took memory need not be the one that uses it. */
#ifndef MP_REPORT_HEAP_MARKS_H
#define MP_REPORT_HEAP_MARKS_H

#include <stdio.h>

#include "aggregate/heap/lines.h"

enum { MP_HEAP_MARK_WORDS = 24 };

/* " (pool)", or nothing; of MP_HEAP_MARK_*. */
const char *mp_heap_mark_words(unsigned marks, char room[MP_HEAP_MARK_WORDS]);

/* The marks of a row, but for what the name of its code says: [thread NAME]. */
unsigned mp_heap_unnamed_marks(const struct mp_heap_view *, const struct mp_heap_line *);

/* A sentence for each of the marks that were shown, behind an empty line. */
void mp_heap_put_marks(FILE *, unsigned marks);

/* "marks": ["pool"] */
void mp_heap_marks_json(FILE *, const struct mp_heap_line *);

/* , "cumulative": {"at_peak": 1, ...}: what a row has with all that it called. */
void mp_heap_cumulative_json(FILE *, const struct mp_heap_view *,
                             const struct mp_heap_sum *);

/* For CSV: the words with blanks between. */
void mp_heap_marks_csv(FILE *, const struct mp_heap_line *);

#endif
