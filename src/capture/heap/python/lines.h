/* What the lines ask of the heap, and all that they see of it: the flow of the calling thread, and
 * what shall not be in it. Does nothing where no heap is recorded.
 */
#ifndef MP_CAPTURE_HEAP_PYTHON_LINES_H
#define MP_CAPTURE_HEAP_PYTHON_LINES_H

#include <stdbool.h>

#include "capture/heap/accounting/flow.h"

/* What the calling thread took and gave back while captures ran. */
mp_flow_find mp_hooks_flow;

/* Lets go of a block that the interpreter has just allocated to tell us something: it is not in
   its thread's flow, and neither will its end be. */
void mp_hooks_disown(void *address);

/* While a thread is aside, what it allocates is our own and nobody's. Returns whether it was. */
bool mp_hooks_set_aside(bool aside);

#endif
