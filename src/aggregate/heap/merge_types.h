/* What the blocks of several processes are, together: types by their names, each process's rows at the merged
 * stacks. */
#ifndef MP_AGGREGATE_HEAP_MERGE_TYPES_H
#define MP_AGGREGATE_HEAP_MERGE_TYPES_H

#include <stdbool.h>

#include "base/slots.h"
#include "record/heap.h"

struct mp_heap_merge_types {
    struct mp_heap_type *types; /* owned, as the rows */
    struct mp_heap_typed *rows;
    struct mp_slots named,
        placed; /* types by their names; rows by stack and type, each one's number + 1 */
    size_t type_count, type_room, row_count, row_room;
    size_t without; /* processes whose blocks nobody looked at */
    bool at;        /* rows are of the moment that a process is shown at, else of its end */
};

/* `nodes`: the number of each stack; `text` of a merge, which its names are added to. 0, or -1 with errno ENOMEM. */
int mp_heap_merge_types_add(struct mp_heap_merge_types *, const struct mp_heap_view *,
                            const uint32_t *nodes, char **text, size_t *size, size_t *room);
void mp_heap_merge_types_release(struct mp_heap_merge_types *);

#endif
