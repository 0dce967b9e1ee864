/* Lines of source files that a capture names, shown only if the file is what it was then. */
#ifndef MP_CMD_SOURCE_H
#define MP_CMD_SOURCE_H

#include <stddef.h>

#include "record/heap.h"

/* The file read last, and where the line found last begins: lines in order cost one pass. Zeroed
   to begin with. */
struct mp_source {
    char *path, *text; /* owned */
    size_t length;
    const char *at;
    int number;
};

/* A line of a regular file that was not changed after the capture began; NULL when there is none.
   An mp_heap_source; valid until the next call. */
const char *mp_source_line(void *source, const struct mp_heap_view *,
                           struct mp_heap_text file, int line, size_t *length);

void mp_source_release(struct mp_source *);

#endif
