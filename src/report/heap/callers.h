/* Who called a line of a heap capture, in one line of text:
 *
 *     75% called by app.py:5 load through json/decoder.py:303 decode, ...     a library's
 *     called by app.py:5 load (2 times), app.py:1 <module>                    the user's own
 */
#ifndef MP_REPORT_HEAP_CALLERS_H
#define MP_REPORT_HEAP_CALLERS_H

#include "aggregate/heap/lines.h"
#include "report/heap/parts.h"

struct mp_heap_callers_options {
    enum mp_heap_order order;
    const struct mp_heap_calls *calls;
    const struct mp_heap_style *style;
    int indent, room; /* columns; no room: as many as it takes */
};

/* Nothing where nobody did. */
void mp_heap_put_callers(FILE *, const struct mp_heap_view *, const struct mp_heap_line *,
                         const struct mp_heap_callers_options *);

#endif
