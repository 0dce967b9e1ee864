/* A heap's call tree: who called what, with all that was allocated in it and below.
 *
 *          total   share         own  call
 *       84.8 MiB  100.0%    12.0 KiB  report.py:37 <module>
 *       81.0 MiB   95.4%         0 B  - report.py:23 daily_means
 *       26.0 MiB   30.6%    26.0 MiB    csv.py:116 DictReader.__next__
 *        3.3 MiB    3.9%     3.3 MiB  - report.py:18 sensor_log
 */
#ifndef MP_REPORT_HEAP_TREE_H
#define MP_REPORT_HEAP_TREE_H

#include "aggregate/heap/calls.h"
#include "aggregate/heap/own.h"
#include "report/heap/json.h"
#include "report/heap/parts.h"

struct mp_heap_tree {
    const struct mp_heap_view *view;
    const struct mp_flame_calls *calls; /* by the measure */
    enum mp_heap_measure measure;
    int64_t whole; /* what shares are of; set by those that show it */
    double least;  /* share of the whole that a frame has; smaller ones are one beside it */
    const struct mp_heap_own *own; /* whose code it is */
    const char *incomplete;
    const struct mp_heap_style *style;
};

void mp_heap_tree_text(FILE *, const struct mp_heap_tree *);
void mp_heap_tree_json(FILE *, const struct mp_heap_tree *,
                       const struct mp_heap_json_options *);

#endif
