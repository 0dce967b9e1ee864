/* Copies of the captures of a run, while it is recorded. */
#ifndef MP_CMD_HEAP_SNAPSHOT_H
#define MP_CMD_HEAP_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>

/* A name for a copy that nothing has; the caller's to free. NULL: no memory. */
char *mp_heap_snapshot_name(void);

/* Copies a capture and, unless `alone`, those of its children beside it, to `to` and beside that; nothing that is
   there is replaced. Returns how many were copied; 0, and why is in `why`, for one line. */
size_t mp_heap_snapshot(const char *path, const char *to, bool alone, char *why,
                        size_t room);

#endif
