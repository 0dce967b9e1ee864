/* What an engine, as Dask, says of its workers' memory, with what their captures say of it: a row for each.
 *
 *             RSS     managed   unmanaged        heap     spilled       limit  when their RSS was the most
 *       377.3 MiB         0 B   377.3 MiB   315.2 MiB         0 B   400.0 MiB  worker 0, process 592, killed
 *                          at the heap's peak 315.0 MiB under task=devour, 315.0 MiB of it at etl.py:12 devour
 */
#ifndef MP_REPORT_HEAP_WORKERS_H
#define MP_REPORT_HEAP_WORKERS_H

#include <stdio.h>

#include "report/heap/killed.h"

/* Those of a list that have looks. Nothing where there is none. */
void mp_heap_put_workers(FILE *, const struct mp_heap_killed *,
                         const struct mp_heap_style *);

#endif
