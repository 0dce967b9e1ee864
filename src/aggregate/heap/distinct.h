/* The files of a capture's codes, each once by where its name is in the text: what takes a look at
 * the whole name is done once for each, not once for each of the codes that share it. */
#ifndef MP_AGGREGATE_HEAP_DISTINCT_H
#define MP_AGGREGATE_HEAP_DISTINCT_H

#include <stddef.h>
#include <stdint.h>

#include "record/heap.h"

struct mp_heap_distinct {
    struct mp_heap_text *files; /* owned as all */
    uint32_t *numbers;          /* of each code: its file */
    size_t count;
    uint32_t *slots; /* files + 1 */
    size_t mask;
};

/* 0, or -1 with errno ENOMEM. The caller releases it either way. */
int mp_heap_distinct_init(struct mp_heap_distinct *, const struct mp_heap_view *);
void mp_heap_distinct_release(struct mp_heap_distinct *);

/* The number of a name that is just there; `count` where none is. */
size_t mp_heap_distinct_find(const struct mp_heap_distinct *, struct mp_heap_text file);

#endif
