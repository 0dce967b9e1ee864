/* A heap capture as JSON: totals, lines by their share of the peak, the series. Bytes and ns. */
#ifndef MP_REPORT_HEAP_JSON_H
#define MP_REPORT_HEAP_JSON_H

#include <stdio.h>

#include "aggregate/heap_lines.h"

/* `incomplete` is NULL when nothing is missing. Sorts the lines. */
void mp_heap_json(FILE *, const struct mp_heap_view *, struct mp_heap_lines *,
                  const char *incomplete);

#endif
