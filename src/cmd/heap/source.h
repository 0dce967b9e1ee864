/* Source text of a capture's lines: of files as they are, or as the capture has them. */
#ifndef MP_CMD_HEAP_SOURCE_H
#define MP_CMD_HEAP_SOURCE_H

#include "aggregate/heap/kept.h"
#include "aggregate/heap/own.h"
#include "record/heap.h"
#include "report/heap/source.h"
#include "store/source/file.h"

/* The file read last. */
struct mp_source {
    struct mp_source_place place;
    bool outside; /* a source was not shown since it lies elsewhere */
    char *path;   /* owned: as the capture names it */
    struct mp_source_file file;
    struct mp_heap_source_text lines;
    const struct mp_heap_kept *kept; /* borrowed; what captures have */
    struct mp_source_names {
        char **names; /* owned, each too */
        size_t count, room;
    } newer, changed; /* files that are later, and not shown; that are shown as they were */
};

/* `named` may be NULL. */
void mp_source_init(struct mp_source *, const char *capture, const struct mp_heap_view *,
                    const struct mp_heap_own *, const struct mp_heap_kept *kept,
                    const struct mp_source_named *named);

/* What there is of a file; valid until the next call. NULL when there is no memory. */
const struct mp_heap_source_text *
mp_source_read(struct mp_source *, const struct mp_heap_view *, struct mp_heap_text file);

/* A line as it was recorded, or of a file that was not changed since; NULL when there is none.
   An mp_heap_source; valid until the next call. */
const char *mp_source_line(void *source, const struct mp_heap_view *,
                           struct mp_heap_text file, int line, size_t *length);

void mp_source_release(struct mp_source *);

#endif
