/* The source text that the captures of a run have in them, together: what a file was called, how it is
 * known again, and the lines of it that were kept.
 *
 *     capture 1: work.py 3, 4, 5 ─┐
 *     capture 2: work.py 4, 9    ─┴─► work.py: 3, 4, 5, 9, if it was the same file for both
 */
#ifndef MP_AGGREGATE_HEAP_KEPT_H
#define MP_AGGREGATE_HEAP_KEPT_H

#include <stdbool.h>

#include "record/heap.h"

struct mp_heap_kept {
    char *text;                     /* owned, as all; what the sources' texts are in */
    struct mp_heap_source *sources; /* by file, once mp_heap_kept_sort() was called */
    struct mp_heap_source_line *lines;
    size_t text_size, text_room, count, room, line_count, line_room;
};

/* Copies those of a capture; the first added go before others of a file that are of another version
   of it. 0, or -1 with errno ENOMEM. */
int mp_heap_kept_add(struct mp_heap_kept *, const struct mp_heap_view *);
void mp_heap_kept_sort(struct mp_heap_kept *);
void mp_heap_kept_release(struct mp_heap_kept *);

/* The sources of one file that are the same version of it. */
struct mp_heap_kept_file {
    const struct mp_heap_kept *kept;
    const struct mp_heap_source *sources; /* NULL: nothing is kept of it */
    size_t count;
    uint32_t last; /* the highest number of a line that is kept */
};

struct mp_heap_kept_file mp_heap_kept_find(const struct mp_heap_kept *, const char *name,
                                           size_t length);

/* A line's text, without its end; NULL where it is not kept. */
const char *mp_heap_kept_line(const struct mp_heap_kept_file *, uint32_t number,
                              size_t *length);

#endif
