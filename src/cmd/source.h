/* Source files that a capture names. A capture may be anybody's: no other file is read, and only
 * a regular one of ours or root's that is Python by its name or its first line. */
#ifndef MP_CMD_SOURCE_H
#define MP_CMD_SOURCE_H

#include "report/heap_source.h"
#include "record/heap.h"

/* The file read last. Zeroed to begin with, but for `capture`. */
struct mp_source {
    const char *capture; /* its path: names of files may be relative to its folder */
    char *path;          /* owned: as the capture names it */
    char *text;          /* owned */
    struct mp_heap_source_text lines;
    char *
        *changed; /* owned, each too: files whose lines are not shown, for they are later */
    size_t changed_count, changed_room;
};

/* What there is of a file; valid until the next call. NULL when there is no memory. */
const struct mp_heap_source_text *
mp_source_read(struct mp_source *, const struct mp_heap_view *, struct mp_heap_text file);

/* A line of a file that was not changed after the capture began; NULL when there is none.
   An mp_heap_source; valid until the next call. */
const char *mp_source_line(void *source, const struct mp_heap_view *,
                           struct mp_heap_text file, int line, size_t *length);

void mp_source_release(struct mp_source *);

#endif
