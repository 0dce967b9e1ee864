/* The interactive page: one file that needs nothing else. The script, the style and the markup
 * are built from web/ and linked in; the figure goes into a data block that no name can leave. */
#ifndef MP_REPORT_TIMELINE_PAGE_H
#define MP_REPORT_TIMELINE_PAGE_H

#include "report/timeline/figure_json.h"

/* Whether this build carries the page (it takes Node.js to build it, or a source distribution). */
bool mp_page_is_built(void);

void mp_page_figure(FILE *, const struct mp_figure_run *runs, size_t count,
                    const struct mp_figure_style *);

#endif
