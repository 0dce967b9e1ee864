/* A figure in characters, for terminals and mail:
 *
 *      109.3 |    .   #
 *            |    #   #         # sampled, : between samples
 *        0.0 +-----------
 *            0      1.5 s
 */
#ifndef MP_REPORT_TIMELINE_TERMINAL_H
#define MP_REPORT_TIMELINE_TERMINAL_H

#include <stdio.h>

#include "aggregate/timeline/figure.h"

struct mp_terminal_options {
    int width,
        height;   /* columns and rows of the whole picture; at least 20 and 4 are used */
    bool unicode; /* else plain ASCII */
    const char *title; /* NULL: the command */
    bool slope;
};

/* No escape sequences; names are shown harmless. */
void mp_terminal_figure(FILE *, const struct mp_figure_run *,
                        const struct mp_terminal_options *);

#endif
