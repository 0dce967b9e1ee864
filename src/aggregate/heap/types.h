/* What the blocks of a heap are, by type, or by line and type: objects, and what these keep in blocks of
 * their own.
 *
 *     dict       24.0 MiB in 412,004 objects   51.0 MiB beside
 *     work.py:5 load   dict ...
 */
#ifndef MP_AGGREGATE_HEAP_TYPES_H
#define MP_AGGREGATE_HEAP_TYPES_H

#include <stdbool.h>

#include "aggregate/heap/lines.h"
#include "record/heap.h"

/* Where the types are: in a capture, or just counted. */
struct mp_heap_typing {
    const struct mp_heap_type *types; /* borrowed, as all */
    const struct mp_heap_typed *rows;
    const char *text;
    size_t type_count, row_count;
    const struct mp_heap_census *then; /* NULL: at the end, or now */
};

/* Of the end: of a copy that was made while the process went on what was counted for it. Nothing
   where nobody counted. */
struct mp_heap_typing mp_heap_typing_of(const struct mp_heap_view *);

/* Of the moment that the view was asked for, if that is one: the peak has the one near it; `then`
   says when. Of a process that goes on, or was killed, what another process asked for last. */
struct mp_heap_typing mp_heap_typing_at(const struct mp_heap_view *);

/* Of what no Python code allocated, and of stacks that had no row of their own. */
#define MP_HEAP_NO_LINE UINT32_MAX

struct mp_heap_type_row {
    struct mp_heap_text name; /* of the type */
    uint32_t type; /* the first of that name; below MP_HEAP_TYPES_FIRST no objects' */
    uint32_t line; /* its number; 0: ours, or rows are types; MP_HEAP_NO_LINE */
    int64_t blocks, bytes;     /* objects */
    int64_t kept_blocks, kept; /* what they keep beside */
};

struct mp_heap_type_rows {
    struct mp_heap_typing typing;
    struct mp_heap_type_row *rows; /* owned; largest first, then by name and line */
    size_t count;
    uint32_t
        *by_line; /* owned; their positions by line, largest first; NULL: rows are types */
    struct mp_heap_type_row whole;
};

/* `places` NULL: by type alone; else by the numbers of lines too, of each node one. 0, or -1 with errno ENOMEM. */
int mp_heap_type_rows_init(struct mp_heap_type_rows *, const struct mp_heap_typing *,
                           const uint32_t *places);
void mp_heap_type_rows_release(struct mp_heap_type_rows *);

/* The rows of a line, by its number, as positions, largest first; how many is set. */
const uint32_t *mp_heap_type_rows_of(const struct mp_heap_type_rows *, uint32_t line,
                                     size_t *count);

/* Bytes of objects and of what they keep. */
int64_t mp_heap_type_row_size(const struct mp_heap_type_row *);

void mp_heap_type_row_add(struct mp_heap_type_row *sum, const struct mp_heap_type_row *);

/* Of each line by its number, NULL where it has none; owned by the caller. NULL: no memory. */
const struct mp_heap_line **mp_heap_lines_by_number(const struct mp_heap_lines *);

#endif
