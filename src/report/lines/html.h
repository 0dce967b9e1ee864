/* Line tables as a web page that needs no script, no network and no font: light and dark, a bar
 * for each line's increment and memory, the line that added most marked. */
#ifndef MP_REPORT_LINES_HTML_H
#define MP_REPORT_LINES_HTML_H

#include <stdbool.h>
#include <stdio.h>

#include "record/source.h"

struct mp_html_options {
    int precision;       /* decimals of the MiB columns */
    bool peaks;          /* a Peak column */
    bool heap;           /* four more: Allocated, Freed, Net, Heap peak */
    const char *title;   /* of the page; borrowed */
    const char *backend; /* the name of where the numbers come from */
};

void mp_html_lines(FILE *out, const struct mp_function *functions, size_t count,
                   const struct mp_html_options *);

#endif
