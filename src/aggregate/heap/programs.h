/* The modules that a capture's program began with: a run of several processes has some. */
#ifndef MP_AGGREGATE_HEAP_PROGRAMS_H
#define MP_AGGREGATE_HEAP_PROGRAMS_H

#include <stddef.h>

#include "aggregate/heap/own.h"

enum { MP_HEAP_PROGRAMS = 64 }; /* a damaged file may have any number */

/* Their files; returns how many there are. */
size_t mp_heap_programs(const struct mp_heap_view *, const struct mp_heap_own *own,
                        struct mp_heap_text files[MP_HEAP_PROGRAMS]);

#endif
