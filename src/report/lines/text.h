/* The line table as text, byte for byte as memory_profiler 0.61 printed it:
 *
 *     Filename: example.py
 *
 *     Line #    Mem usage    Increment  Occurrences   Line Contents
 *     =============================================================
 *          1   27.684 MiB   27.684 MiB           1   @profile
 */
#ifndef MP_REPORT_LINES_TEXT_H
#define MP_REPORT_LINES_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include "record/source.h"

struct mp_text_options {
    int precision; /* decimals of the MiB columns, 0 or more */
    bool peaks;    /* a Peak column before Occurrences, the rule as much longer */
    bool heap;     /* four more: Allocated, Freed, Net, Heap peak (report/lines/size.h); */
    bool types;    /* two more: Grew most, Type */
};

void mp_text_lines(FILE *out, const struct mp_function *, const struct mp_text_options *);

#endif
