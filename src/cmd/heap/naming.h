/* What a new heap capture is called, and what becomes of one that has that name. */
#ifndef MP_CMD_HEAP_NAMING_H
#define MP_CMD_HEAP_NAMING_H

#include <stdbool.h>
#include <stddef.h>

/* What has the name makes room: a capture of ours, and those of its children, as FILE.old; what is
   none only by `force`. Returns 0, or the exit code of what it said. */
int mp_heap_make_room(const char *path, bool force);

/* A name of this second that nothing has here: mprofheap_<time> with an ending, as ".mprof"
   or "/". The same. */
int mp_heap_default_name(char *path, size_t room, const char *ending);

#endif
