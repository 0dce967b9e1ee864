/* A heap that is being recorded, in rows: by the user's lines, by line, function, file, module, process
 * or thread. It is looked at again and again: what a stack's row is, is found once, when the stack
 * is new; a look adds up figures alone.
 *
 *     node ─► site (code, instruction) ─► line of code ─► row, by what rows are
 *        └─► near: the nearest node of the user's
 *
 * Rows are of all processes of a run together, by the names of files and functions.
 */
#ifndef MP_AGGREGATE_HEAP_LIVE_H
#define MP_AGGREGATE_HEAP_LIVE_H

#include "aggregate/heap/live_rows.h"

/* 0, or -1 with errno ENOMEM, as all of these. Released whatever the result. */
int mp_heap_live_init(struct mp_heap_live *, enum mp_heap_live_group);
void mp_heap_live_release(struct mp_heap_live *);
void mp_heap_live_process_release(struct mp_heap_live_process *);

/* Other rows: those there were are gone, marks stay. */
int mp_heap_live_regroup(struct mp_heap_live *, enum mp_heap_live_group,
                         struct mp_heap_live_process *const *processes, size_t count);

/* Looks at all processes again, `seconds` after the last look; 0: nothing is known of growth a second. */
int mp_heap_live_look(struct mp_heap_live *, struct mp_heap_live_process *const *processes,
                      size_t count, double seconds);

/* Growth counts from the last look on. */
int mp_heap_live_mark(struct mp_heap_live *, struct mp_heap_live_process *const *processes,
                      size_t count);

/* Growth of one process counts from a moment of its capture on, by a view of it whose nodes begin as the
   process's do. Rows know it after the next look. Of threads nothing is known then: theirs counts from nothing. */
int mp_heap_live_mark_at(struct mp_heap_live_process *, const struct mp_heap_view *,
                         const struct mp_heap_instant *);

/* Growth a second is that since the mark, so many seconds ago. */
void mp_heap_live_rate_since(struct mp_heap_live *, double seconds);

/* Positions of those rows that have figures, largest first; equal ones by name. The caller frees them; NULL: no
   memory. */
uint32_t *mp_heap_live_sorted(const struct mp_heap_live *, enum mp_heap_live_order,
                              size_t *count);

/* What growth is of: bytes that are live; of a thread, that it allocated. */
int64_t mp_heap_live_measure(const struct mp_heap_live *, const struct mp_heap_live_row *);

/* Bytes since the mark. */
int64_t mp_heap_live_growth(const struct mp_heap_live *, const struct mp_heap_live_row *);

/* Its standard error, at most, where one block in so many bytes is recorded; 0 where every one is. */
int64_t mp_heap_live_growth_error(uint64_t sample, const struct mp_heap_live *,
                                  const struct mp_heap_live_row *);

#endif
