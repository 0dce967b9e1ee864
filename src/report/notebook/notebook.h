/* Results as HTML for the output of a notebook's cell.
 *
 * A notebook that is not trusted passes outputs through a sanitizer: JupyterLab's drops <style>,
 * <svg>, role, aria-* and CSS properties it does not know. So everything here is inline style
 * from the set that stays (width, background-color, padding ...), tables with captions and
 * scopes, and a picture is an <img> that holds its SVG, with its words in `alt`. The theme is
 * the page's: text takes its colour, bars have colours that stand on white and on black.
 * Without any style the numbers, the caption and the word at the hottest line still tell all.
 */
#ifndef MP_REPORT_NOTEBOOK_NOTEBOOK_H
#define MP_REPORT_NOTEBOOK_NOTEBOOK_H

#include <stdbool.h>
#include <stdio.h>

#include "record/series.h"
#include "record/source.h"

struct mp_notebook_options {
    int precision; /* decimals of the MiB columns */
    bool peaks;    /* a Peak column */
    bool heap;     /* four more: Allocated, Freed, Net, Heap peak */
};

/* A table for each function: bars for increments and peaks, the line that added most marked. */
void mp_notebook_lines(FILE *, const struct mp_function *functions, size_t count,
                       const struct mp_notebook_options *);

/* What a repeated statement reached. */
struct mp_notebook_runs {
    int64_t baseline;     /* bytes before the first run */
    const int64_t *peaks; /* of each run, bytes; borrowed */
    size_t count;         /* at least 1 */
};

void mp_notebook_runs(FILE *, const struct mp_notebook_runs *);

/* Memory over time. */
struct mp_notebook_series {
    struct mp_series series; /* sorted, at least one point; borrowed */
    int64_t peak;            /* bytes: what the high-water mark says */
    int64_t peak_time; /* when a sample saw that, on the samples' clock; -1: not known */
    int64_t interval;  /* ns between samples */
    bool children;     /* figures are sums with the child processes */
    uint64_t late;     /* samples that were not taken in time */
};

/* Both: 0, or -1 with errno ENOMEM. The second is the picture alone. */
int mp_notebook_series(FILE *, const struct mp_notebook_series *);
int mp_notebook_picture(FILE *, const struct mp_notebook_series *);

/* One line that says what the picture shows. */
void mp_notebook_words(FILE *, const struct mp_notebook_series *);

#endif
