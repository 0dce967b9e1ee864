/* The capture that a command is asked to show. */
#ifndef MP_CMD_HEAP_OPEN_H
#define MP_CMD_HEAP_OPEN_H

#include "store/heap_read.h"

/* Reads the first operand. 0, or an exit code when it was told what is wrong. The caller releases
   the capture whatever the result. */
int mp_heap_open(struct mp_heap_capture *, const char *command, int count, char **operands);

#endif
