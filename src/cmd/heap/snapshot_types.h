/* Has the processes of a recording count what their blocks are, before it is copied. */
#ifndef MP_CMD_HEAP_SNAPSHOT_TYPES_H
#define MP_CMD_HEAP_SNAPSHOT_TYPES_H

#include <stdbool.h>

/* The first capture's, and unless `alone` its children's. Waits two seconds. Returns the exit code:
   of each that did not count it was said why. */
int mp_heap_count_types(const char *path, bool alone);

#endif
