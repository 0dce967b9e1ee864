/* Which heap capture a command is about, and opening it. */
#ifndef MP_CMD_HEAP_CHOICE_H
#define MP_CMD_HEAP_CHOICE_H

#include "store/heap_read.h"

/* The capture that an operand names: a file, or an index of 'mprof list' (negative: from the end
   of its heap captures). NULL: the capture in this directory that began last, which is said.
   Owned by the caller; NULL when there is none (said in one line). */
char *mp_heap_choose(const char *operand);

/* Reads it; says in one line what is wrong with it. Returns 0, or the exit code; the caller
   releases the capture either way. */
int mp_heap_open(struct mp_heap_capture *, const char *path);

#endif
