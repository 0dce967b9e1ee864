/* Which source of a heap capture a name means. */
#ifndef MP_CMD_HEAP_SOURCE_CHOICE_H
#define MP_CMD_HEAP_SOURCE_CHOICE_H

#include "cmd/heap/views.h"

/* Whether an operand names a source, and not a capture or the number of one. */
bool mp_source_is_meant(const char *operand);

/* The file of the capture's stacks that has this name, or whose path ends so; of several the program's
   own, then those that allocated themselves.
   Returns 0, or the exit code, and why was said. */
int mp_source_choose(struct mp_heap_views *, const char *name, struct mp_heap_text *file);

#endif
