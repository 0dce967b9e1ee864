/* A copy of a heap capture that is being recorded: one that was closed at this moment, holes kept.
 *
 *     header      first, so that all that it counts is there; `clean`, nobody asks, nobody is told
 *     stacks      while they change: what the header sums is summed again, of what was copied
 *     moments     those alone that were not replaced meanwhile, and whose stacks are in the copy
 *     holders     none where they were replaced meanwhile
 */
#ifndef MP_STORE_HEAP_COPY_H
#define MP_STORE_HEAP_COPY_H

#include "store/heap/header.h"

/* `from` is a capture's descriptor, `to` that of an empty file. A capture that is closed is copied as it
   is. MP_HEAP_SYSTEM: errno says what. */
enum mp_heap_problem mp_heap_copy(int from, int to);

#endif
