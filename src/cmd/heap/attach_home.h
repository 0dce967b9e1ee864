/* Brings captures home that a process could record into its room alone. */
#ifndef MP_CMD_HEAP_ATTACH_HOME_H
#define MP_CMD_HEAP_ATTACH_HOME_H

#include "cmd/heap/attach_room.h"

/* Copies the capture, and those of its children, to `path`. 0, or the exit code of what it said: the
   captures are still where they were then. */
int mp_attach_bring_home(const struct mp_attach_room *, const char *path);

#endif
