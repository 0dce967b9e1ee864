/* What the blocks are that the recording knows, by stack and type: objects, and what these keep in blocks
 * of their own (items of lists, tables of dicts, data of arrays), which count where they were allocated
 * and to their owner's type.
 *
 *     load.py:7   a list              56 bytes   list   1 object
 *     load.py:9   its items, grown   8 KiB       list   0 objects, 8 KiB beside
 */
#ifndef MP_CAPTURE_HEAP_PYTHON_CENSUS_H
#define MP_CAPTURE_HEAP_PYTHON_CENSUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/heap/accounting/nest.h"
#include "record/heap.h"

struct mp_census {
    struct mp_heap_type
        *types; /* owned, as all; those of objects behind MP_HEAP_TYPES_FIRST others */
    struct mp_heap_typed *rows; /* largest first */
    char *text;                 /* what the types' names are in */
    size_t type_count, row_count, text_size, type_room, text_room;
};

/* Of the recording that is open, or of a part of it; the caller has the interpreter's lock. 0, or -1 with errno
   (ENOMEM, or of mp_hooks_know_blocks()). About 20 ns a block. Sums are those of the nodes. */
int mp_census_take(struct mp_census *, const struct mp_nest *part);
void mp_census_release(struct mp_census *);

/* Blocks that one would look at. */
uint64_t mp_census_blocks(void);

/* The largest rows stay as they are, the others of each type are one without a stack. */
void mp_census_shorten(struct mp_census *, size_t most);

#endif
