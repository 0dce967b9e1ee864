/* Why a recording could not be asked: the same words whatever it was asked. */
#ifndef MP_CMD_HEAP_ASKING_H
#define MP_CMD_HEAP_ASKING_H

#include "store/heap/request.h"

/* One line. `name`: of the capture or the process; `what` cannot be done: "mark", "count the types of".
   errno is what the asking left. Returns the exit code. */
int mp_heap_asking_fail(enum mp_heap_asking_problem, const char *name, const char *what);

#endif
