/* The figures before a name in rows about objects: as many as there is room for beside it.
 *
 *      retained   share     itself     objects  kept by       from 68 columns on
 *      retained   share     objects  kept by                  from 57 on
 *      retained  kept by                                      on the narrowest
 */
#ifndef MP_REPORT_HEAP_FIGURES_H
#define MP_REPORT_HEAP_FIGURES_H

#include <stdbool.h>
#include <stdio.h>

#include "report/heap/parts.h"

enum { MP_HEAP_LEAST_NAME = 24 /* columns */, MP_HEAP_NARROW_NAME = 16 };

struct mp_heap_figures {
    bool share, objects, itself;
    int columns;     /* that they take */
    int least, room; /* that a name has, at least and at most; 0: as long as it is */
};

struct mp_heap_figures mp_heap_figures_fit(const struct mp_heap_style *, bool share);

void mp_heap_figures_title(FILE *, const struct mp_heap_figures *, const char *name);

/* `reached`: what `retained` is a share of. NULL: a row without its own figures. */
void mp_heap_figures_put(FILE *, const struct mp_heap_figures *, uint64_t retained,
                         uint64_t reached, const struct mp_heap_holder *);

#endif
