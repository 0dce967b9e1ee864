/* A heap capture's call stacks in the formats of other tools, each stack with what it allocated
 * itself: all of them sum to the whole.
 *
 *     collapsed    main (a.py:3);load (a.py:7) 4096      flamegraph.pl, inferno, speedscope
 *     speedscope   its own file format
 *     pprof        profile.proto, gzip'd
 *     massif       what valgrind's massif writes: ms_print, massif-visualizer
 *     CSV, JSON    ours
 */
#ifndef MP_REPORT_HEAP_EXPORT_H
#define MP_REPORT_HEAP_EXPORT_H

#include "report/heap/export_parts.h"

/* 0, or -1 with errno ENOMEM. */
int mp_heap_export(FILE *, const struct mp_heap_export *);

/* Whether a file that begins with these bytes was written by mp_heap_export(). */
bool mp_heap_export_is_ours(const char *start, size_t length);

#endif
