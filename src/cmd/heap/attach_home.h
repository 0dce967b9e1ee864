/* Brings captures home that a process could record into its room alone. */
#ifndef MP_CMD_HEAP_ATTACH_HOME_H
#define MP_CMD_HEAP_ATTACH_HOME_H

#include "cmd/heap/attach_room.h"

/* Copies the capture, and those of its children, to `path`, and removes the room; but what a child still
   records stays in it, as all does with an exit code, that of what it said. */
int mp_attach_bring_home(struct mp_attach_room *, const char *path);

#endif
