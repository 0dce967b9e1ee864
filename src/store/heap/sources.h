/* Source text in a capture: appended when a recording ends. */
#ifndef MP_STORE_HEAP_SOURCES_H
#define MP_STORE_HEAP_SOURCES_H

#include "record/heap.h"

struct mp_heap_kept_line {
    uint32_t number;
    const char *text; /* borrowed; `length` bytes */
    size_t length;
};

/* Adds a source with these lines, which are by number; `label` may be NULL. Of `source` its file and what is
   known of that are taken. 0, or -1 with errno: then none of it is there. */
int mp_heap_keep_source(struct mp_heap *, const struct mp_heap_source *source,
                        const char *label, const struct mp_heap_kept_line *lines,
                        size_t count);

#endif
