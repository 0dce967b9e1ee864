#include "capture/heap/accounting/pool_pages.h"

#include "capture/heap/accounting/general.h"

enum { GRAIN = 1 << MP_SHADOW_GRAIN_BITS };

static size_t end_of(size_t page)
{
    return (page + 1) * MP_SHADOW_PAGE_GRAINS;
}

/* Where in a page the blocks of its pool begin. */
static size_t first_of(size_t page)
{
    return page * MP_SHADOW_PAGE_GRAINS + MP_POOL_HEADER_GRAINS;
}

/* Blocks that a pool has room for; the last may be cut. */
static size_t length_of(size_t grains)
{
    return (MP_SHADOW_PAGE_GRAINS - MP_POOL_HEADER_GRAINS - 1) / grains + 1;
}

static bool is_of_class(const struct mp_block *block, size_t grain, size_t page,
                        size_t grains)
{
    size_t spare = grains * GRAIN - block->size;
    return grain >= first_of(page) && (grain - first_of(page)) % grains == 0 &&
           (!block->known || spare < 1 << MP_POOL_SPARE_BITS);
}

/* Whether all there is in a page could be of one pool. */
static bool are_of_class(const struct mp_shadow_leaf *leaf, size_t page, size_t grains)
{
    size_t grain = page * MP_SHADOW_PAGE_GRAINS, end = end_of(page);
    if (mp_general_is_spilled_into(leaf, page))
        return false;
    while ((grain = mp_general_next(leaf, grain, end)) < end) {
        struct mp_block block = mp_general_at(leaf, grain);
        if (!is_of_class(&block, grain, page, grains))
            return false;
        grain += mp_general_length(leaf, grain);
    }
    return true;
}

static uint32_t pool_value(const struct mp_block *block, size_t grains)
{
    uint32_t spare = (uint32_t)(grains * GRAIN - block->size);
    uint32_t known = (block->stack + 1) << MP_POOL_STACK_SHIFT | spare << 1;
    return (block->known ? known : 0) | (block->watched ? MP_POOL_WATCHED : 0);
}

static void move_into(struct mp_leaves *leaves, struct mp_shadow_leaf *leaf, size_t page,
                      uint32_t *slab, size_t grains)
{
    size_t grain = first_of(page), end = end_of(page);
    while (leaf->counts[page] && (grain = mp_general_next(leaf, grain, end)) < end) {
        struct mp_block block = mp_general_take(leaves, leaf, grain);
        slab[(grain - first_of(page)) / grains] = pool_value(&block, grains);
    }
}

bool mp_shadow_make_pool(struct mp_leaves *leaves, struct mp_shadow_leaf *leaf, size_t page,
                         uint32_t grains)
{
    bool is_mixed = leaf->pools[page] == MP_POOL_MIXED;
    if (leaf->counts[page] && is_mixed)
        return false;
    if (mp_general_to_cells(leaves, leaf, page))
        return false;
    if (leaf->counts[page] && !are_of_class(leaf, page, grains)) {
        leaf->pools[page] = MP_POOL_MIXED;
        return false;
    }
    uint32_t *slab = mp_slabs_take(&leaves->slabs, length_of(grains) * sizeof *slab);
    if (!slab)
        return false;
    move_into(leaves, leaf, page, slab, grains);
    leaf->pools[page] = (uintptr_t)slab | grains;
    return true;
}

static uint32_t *slab_of(const struct mp_shadow_leaf *leaf, size_t page)
{
    return (uint32_t *)(leaf->pools[page] & ~(uintptr_t)MP_POOL_KIND_MASK);
}

static size_t grains_of(const struct mp_shadow_leaf *leaf, size_t page)
{
    return leaf->pools[page] & MP_POOL_KIND_MASK;
}

bool mp_shadow_drop_pool(struct mp_leaves *leaves, struct mp_shadow_leaf *leaf, size_t page)
{
    uint32_t *slab = slab_of(leaf, page), all = 0;
    for (size_t i = 0, count = length_of(grains_of(leaf, page)); i < count; i++)
        all |= slab[i];
    if (all)
        return false;
    mp_slabs_give(&leaves->slabs, slab);
    leaf->pools[page] = MP_POOL_NONE;
    return true;
}

static void move_out(struct mp_leaves *leaves, struct mp_shadow_leaf *leaf, size_t page)
{
    uint32_t *slab = slab_of(leaf, page);
    size_t grains = grains_of(leaf, page);
    for (size_t i = 0; i < length_of(grains); i++) {
        struct mp_block block = mp_pool_block(slab[i], leaf->pools[page]);
        size_t grain = first_of(page) + i * grains;
        if (block.known)
            mp_general_put(leaves, leaf, grain, block.size, block.stack);
        if (block.watched)
            mp_general_watch(leaves, leaf, grain);
        slab[i] = 0;
    }
}

int mp_shadow_make_general(struct mp_leaves *leaves, struct mp_shadow_leaf *leaf,
                           size_t page)
{
    if (mp_shadow_drop_pool(leaves, leaf, page))
        return 0;
    if (mp_general_make_cells(leaves, leaf))
        return -1;
    move_out(leaves, leaf, page);
    mp_slabs_give(&leaves->slabs, slab_of(leaf, page));
    leaf->pools[page] = MP_POOL_MIXED;
    return 0;
}

static void each_in_pool(const struct mp_shadow_leaf *leaf, uintptr_t base, size_t page,
                         mp_general_see *see, void *context)
{
    const uint32_t *slab = slab_of(leaf, page);
    uintptr_t pool = leaf->pools[page];
    size_t grains = grains_of(leaf, page);
    uintptr_t at = base + first_of(page) * GRAIN;
    for (size_t i = 0; i < length_of(grains); i++, at += grains * GRAIN) {
        struct mp_block block = mp_pool_block(slab[i], pool);
        if (block.known)
            see(context, at, &block);
    }
}

void mp_shadow_each_in_leaf(const struct mp_shadow_leaf *leaf, uintptr_t base,
                            mp_general_see *see, void *context)
{
    size_t grain = 0; /* a block's size may lie in the page behind it */
    for (size_t page = 0; page < MP_SHADOW_PAGES; page++) {
        if (mp_shadow_is_pool(leaf, page))
            each_in_pool(leaf, base, page, see, context);
        else
            grain = mp_general_each(leaf, base, page, grain, see, context);
    }
}
