/* How a page of a leaf becomes a pool, and general again. */
#ifndef MP_CAPTURE_HEAP_ACCOUNTING_POOL_PAGES_H
#define MP_CAPTURE_HEAP_ACCOUNTING_POOL_PAGES_H

#include "capture/heap/accounting/leaf.h"

/* Makes a general page a pool of blocks of so many grains, with what is in it; false: what is there
   is none of these, or there is no memory. */
bool mp_shadow_make_pool(struct mp_leaves *, struct mp_shadow_leaf *, size_t page,
                         uint32_t grains);

/* Makes a pool a general page, with what is in it. 0, or -1 where there is no memory: it stays. */
int mp_shadow_make_general(struct mp_leaves *, struct mp_shadow_leaf *, size_t page);

/* Makes it one if nothing is in it; whether that was so. */
bool mp_shadow_drop_pool(struct mp_leaves *, struct mp_shadow_leaf *, size_t page);

/* Each block of a leaf that is known; `base`: the leaf's first address. */
void mp_shadow_each_in_leaf(const struct mp_shadow_leaf *, uintptr_t base,
                            void (*see)(void *context, uintptr_t address,
                                        const struct mp_block *),
                            void *context);

#endif
