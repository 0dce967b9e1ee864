/* What keeps growing in a heap, as text and as JSON.
 *
 *     growth         an hour  rose  kept  where
 *   +2.0 MiB  197.3 MiB+-0.4M   98%  100%  app.py:14 remember
 *                                            cache[key] = bytes(2048)
 */
#ifndef MP_REPORT_HEAP_LEAKS_H
#define MP_REPORT_HEAP_LEAKS_H

#include "aggregate/heap/leaks.h"
#include "aggregate/heap/types.h"
#include "report/heap/limit.h"
#include "report/heap/parts.h"
#include "report/heap/text.h"

struct mp_heap_leaks_view {
    const struct mp_heap_leaks *leaks;
    const struct mp_heap_view *view;
    const int *lines;       /* of each node */
    const char *name;       /* of the file */
    const char *incomplete; /* NULL when nothing is missing */
    size_t most;            /* rows of each kind; 0: the usual, of those of weight */
    struct mp_heap_limit limit;
    const struct mp_heap_type_rows
        *types; /* of each leak, by its number; NULL: not known */
    const struct mp_heap_type_rows
        *growing; /* of all that keeps growing: those of line 1 */
    bool by_type;
    mp_heap_source *source; /* NULL: no source lines */
    void *context;
    struct mp_heap_style style;
};

enum mp_heap_verdict {
    MP_HEAP_NO_LEAK,
    MP_HEAP_LEAKS,
    MP_HEAP_TOO_SHORT, /* cannot tell: there are too few moments */
    MP_HEAP_TOO_COARSE /* cannot tell: a tenth of the heap could grow and be chance */
};

/* What is less than a thousandth of the heap, or than 64 KiB, is of no weight. */
enum mp_heap_verdict mp_heap_verdict_of(const struct mp_heap_leaks *);

bool mp_heap_leaks_cannot_tell(const struct mp_heap_leaks *);

/* Why, as in "too short: cannot tell ..."; of the others nothing. */
void mp_heap_leaks_put_why(FILE *, const struct mp_heap_leaks *);

/* What grows, summed: bytes. */
int64_t mp_heap_leaks_growth(const struct mp_heap_leaks *);

/* Whether all that keeps growing did by more than the limit. */
bool mp_heap_leaks_are_over(const struct mp_heap_leaks_view *);

void mp_heap_leaks_text(FILE *, const struct mp_heap_leaks_view *);
void mp_heap_leaks_json(FILE *, const struct mp_heap_leaks_view *);

#endif
