/* A figure as JSON: the data of the page and of plot.py. Times are seconds after a run's start,
 * memory is MiB; null in a curve is a gap. Safe inside a <script> element: ASCII, with < > and &
 * escaped. docs/timeline.md has the schema. */
#ifndef MP_REPORT_TIMELINE_FIGURE_JSON_H
#define MP_REPORT_TIMELINE_FIGURE_JSON_H

#include <stdio.h>

#include "aggregate/timeline/figure.h"
#include "report/timeline/whole.h"

struct mp_figure_style {
    const char *title; /* NULL: none given */
    bool flame, slope;
    const struct mp_figure_whole *whole; /* NULL: the runs are no parts of one */
};

void mp_figure_json(FILE *, const struct mp_figure_run *runs, size_t count,
                    const struct mp_figure_style *);

#endif
