/* The blocks of general pages: in a list of the page while they are few, then each in the cell of its
 * address. Blocks are named by their grain, as in leaf.h.
 */
#ifndef MP_CAPTURE_HEAP_ACCOUNTING_GENERAL_H
#define MP_CAPTURE_HEAP_ACCOUNTING_GENERAL_H

#include "capture/heap/accounting/leaf.h"

extern const size_t mp_general_bytes; /* of a leaf's cells */

typedef void mp_general_see(void *context, uintptr_t address, const struct mp_block *);

/* Of a leaf that goes. */
void mp_general_release(struct mp_shadow_leaf *);

/* Room for cells, which the page need not touch. 0, or -1 where there is no memory. */
int mp_general_make_cells(struct mp_leaves *, struct mp_shadow_leaf *);

/* 0, or -1 where there is no memory. */
int mp_general_put(struct mp_leaves *, struct mp_shadow_leaf *, size_t grain, size_t size,
                   uint32_t stack);
int mp_general_watch(struct mp_leaves *, struct mp_shadow_leaf *, size_t grain);

struct mp_block mp_general_take(struct mp_leaves *, struct mp_shadow_leaf *, size_t grain);
struct mp_block mp_general_at(const struct mp_shadow_leaf *, size_t grain);

/* Whether it had been watched without being known. */
bool mp_general_unwatch(struct mp_leaves *, struct mp_shadow_leaf *, size_t grain);

/* From a list into cells. 0, or -1 where there is no memory: it stays. */
int mp_general_to_cells(struct mp_leaves *, struct mp_shadow_leaf *, size_t page);

/* In cells: the next grain, from this one on and before the end, at which a block is known or
   watched, if that is before the end; how many grains are the block's for sure. */
size_t mp_general_next(const struct mp_shadow_leaf *, size_t grain, size_t end);
size_t mp_general_length(const struct mp_shadow_leaf *, size_t grain);

/* Whether the last block before a page may have its size in the page. */
bool mp_general_is_spilled_into(const struct mp_shadow_leaf *, size_t page);

/* Each block of a page that is known, from this grain on if that is further; returns where the next
   page may begin. */
size_t mp_general_each(const struct mp_shadow_leaf *, uintptr_t base, size_t page,
                       size_t grain, mp_general_see *, void *context);

/* Gives back the memory of pages in which nothing is. */
void mp_general_trim(struct mp_leaves *, struct mp_shadow_leaf *);

#endif
