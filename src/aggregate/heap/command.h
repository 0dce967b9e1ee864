/* What a capture's process was started with, as its user would say it. */
#ifndef MP_AGGREGATE_HEAP_COMMAND_H
#define MP_AGGREGATE_HEAP_COMMAND_H

#include "record/heap.h"

/* From the words that a header has: with blanks between, without those that `mprof heap` put
   before the program's. Empty where they are not known. */
void mp_heap_command(char to[MP_HEAP_COMMAND], const char from[MP_HEAP_COMMAND]);

#endif
