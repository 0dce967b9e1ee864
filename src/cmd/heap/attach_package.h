/* Where memory_profiler is for a process that has not loaded it: built for its Python. */
#ifndef MP_CMD_HEAP_ATTACH_PACKAGE_H
#define MP_CMD_HEAP_ATTACH_PACKAGE_H

#include "cmd/heap/attach_room.h"

/* Looks in the process's own environment, then beside mprof, then in $MPROF_ATTACH_PATH. `here` is the
   folder as we know it, the caller's to free; NULL where it said in one line that there is none: the
   exit code is MP_EXIT_FAILURE then. *its: whether the process knows it by the same name. */
char *mp_attach_package_find(const struct mp_target *, bool *its);

/* The folder by which the process finds it: the same, or a copy in the room. Owned by the caller; NULL
   when it said why not. */
char *mp_attach_package_bring(struct mp_attach_room *, const char *here, bool its);

#endif
