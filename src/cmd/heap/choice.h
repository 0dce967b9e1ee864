/* Which heap capture a command is about, and opening it. */
#ifndef MP_CMD_HEAP_CHOICE_H
#define MP_CMD_HEAP_CHOICE_H

#include <stdbool.h>
#include <stdint.h>

#include "store/heap/members.h"
#include "store/heap/read.h"

/* The capture that an operand names: a file, or an index of 'mprof list' (negative: from the end
   of its heap captures). NULL: the capture in this directory that began last, which is said.
   Owned by the caller; NULL when there is none (said in one line). */
char *mp_heap_choose(const char *operand);

/* Those that several operands name: also all below a folder, the members of a bundle, and what a pattern
   in quotes matches. Without operands the newest here. `name` is what to call them, for titles; owned by
   the caller, as the members are, whatever the result. Returns 0, or the exit code, and why was said. */
int mp_heap_choose_all(struct mp_heap_members *, char **name, int count, char **operands);

/* Whether an operand can only mean captures: one, a bundle, or a folder. */
bool mp_heap_is_meant(const char *operand);

/* The same where a number is a process that records, unless a file has that name: *pid is its number then, else 0.
   Other operands are files. */
char *mp_heap_choose_recorded(const char *operand, int64_t *pid);

/* Whether an operand is the number of a process. */
bool mp_heap_is_process(const char *operand);

/* Whether 'mprof list' has a heap capture of this number. */
bool mp_heap_has_index(const char *operand);

/* Reads it; says in one line what is wrong with it. Returns 0, or the exit code; the caller
   releases the capture either way. */
int mp_heap_open(struct mp_heap_capture *, const char *path);

#endif
