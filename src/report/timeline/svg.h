/* Memory over time as a static SVG image: no script, no text, nothing loaded, colours that stand
 * on light and dark. The page around it says the numbers. */
#ifndef MP_REPORT_TIMELINE_SVG_H
#define MP_REPORT_TIMELINE_SVG_H

#include <stdio.h>

#include "record/series.h"

struct mp_svg_options {
    int64_t low, high; /* bytes at the lower and the upper edge */
    int64_t peak;      /* a line across at this many bytes; -1: none */
    int64_t peak_time; /* a stem up to it, from the curve; before the first point: none */
    int64_t gap;       /* ns between samples that is a gap in the curve; 0: none is */
    const char *title; /* what a reader hears: ASCII; borrowed */
};

/* `series` is sorted and holds at least one point. 0, or -1 with errno ENOMEM. */
int mp_svg_series(FILE *, const struct mp_series *, const struct mp_svg_options *);

#endif
