/* What the texts of a capture may be, all codes and stacks together.
 *
 * The recorder writes each line table once, for one code, and each name once for those that have
 * it: texts are the same bytes or others, and together no more than the table that they are in.
 * A file where that is not so was made to have its readers do a thousand times what it has bytes.
 */
#ifndef MP_STORE_HEAP_TEXTS_H
#define MP_STORE_HEAP_TEXTS_H

#include "record/heap.h"

struct mp_heap_texts_problem {
    const char *wrong; /* NULL: nothing is */
    uint32_t code;
};

/* `bytes`: of the file, that were read. 0, or -1 with errno ENOMEM. */
int mp_heap_texts_check(const struct mp_heap_view *, size_t bytes,
                        struct mp_heap_texts_problem *);

#endif
