/* A heap capture in counts: how many blocks, how large, and which lines make most of them. */
#ifndef MP_REPORT_HEAP_STATS_H
#define MP_REPORT_HEAP_STATS_H

#include "aggregate/heap/rows.h"
#include "aggregate/heap/sizes.h"
#include "report/heap/json.h"
#include "report/heap/parts.h"

struct mp_heap_stats {
    const struct mp_heap_view *view;
    const struct mp_heap_sizes *sizes;
    struct mp_heap_rows *rows; /* lines; sorted anew for each list */
    size_t most;               /* lines of each list */
    const char *incomplete;
    const struct mp_heap_style *style;
};

void mp_heap_stats_text(FILE *, const struct mp_heap_stats *);
void mp_heap_stats_json(FILE *, const struct mp_heap_stats *,
                        const struct mp_heap_json_options *);

#endif
