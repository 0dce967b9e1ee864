/* RSS beside the heap over a run, two lines of blocks or of ASCII, on one scale:
 *
 *      heap  ..:-=+*##*=-:..    at most 109.3 MiB
 *      RSS   ::-=+*##@@#*++=    at most 140.1 MiB
 */
#ifndef MP_REPORT_HEAP_SERIES_H
#define MP_REPORT_HEAP_SERIES_H

#include "report/heap/parts.h"

/* Nothing when the capture has no point of time. */
void mp_heap_put_series(FILE *, const struct mp_heap_view *, const struct mp_heap_style *);

#endif
