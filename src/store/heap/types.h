/* What the blocks of a capture are, by stack and type: appended when a recording ends, and at moments of it;
 * checked when it is read. */
#ifndef MP_STORE_HEAP_TYPES_H
#define MP_STORE_HEAP_TYPES_H

#include "record/heap.h"

/* What was counted; all borrowed. Types are numbered as they lie here, the first few are no classes. */
struct mp_heap_counted {
    const struct mp_heap_type *types;
    const struct mp_heap_typed *rows;
    const char *text; /* what their names are in */
    size_t type_count, row_count;
};

/* Adds them as those of the end. 0, or -1 with errno: then no row is there. */
int mp_heap_keep_types(struct mp_heap *, const struct mp_heap_counted *);

/* Adds them as those of a moment, in place of an older one of its kind where there are enough; of
   `made` time, live, of and mark are set. 0, or -1 with errno: those there were stay. */
int mp_heap_keep_census(struct mp_heap *, const struct mp_heap_census *made,
                        const struct mp_heap_counted *);

/* The recording ends without a count: what was asked for before is no longer what there is. */
void mp_heap_drop_asked(struct mp_heap *);

/* The numbers that types have in the file, where those that it lacks were appended; the caller's to
   free. NULL with errno. */
uint32_t *mp_heap_number_types(struct mp_heap *, const struct mp_heap_counted *,
                               enum mp_heap_for);

/* NULL, or what is wrong with item *at of *table. */
const char *mp_heap_types_check(const struct mp_heap_view *, enum mp_heap_table *table,
                                size_t *at);

/* NULL, or what is wrong with one of a moment; `*rows`: of all before it, which have their own. */
const char *mp_heap_census_check(const struct mp_heap_view *, const struct mp_heap_census *,
                                 size_t *rows);

/* NULL, or what is wrong with a row. */
const char *mp_heap_typed_check(const struct mp_heap_view *, const struct mp_heap_typed *);

#endif
