#include "capture/heap/accounting/shadow.h"

#include <errno.h>
#include <sys/mman.h>

#include "capture/heap/accounting/general.h"
#include "capture/heap/accounting/pool_pages.h"

enum {
    TABLE_LENGTH = 1 << MP_SHADOW_MIDDLE_BITS,
    TOP_SHIFT = MP_SHADOW_LEAF_BITS + MP_SHADOW_MIDDLE_BITS,
    GRAIN = 1 << MP_SHADOW_GRAIN_BITS,
    MANY = 256, /* pages of 4 KiB, empty and resident */
    PART = 4,   /* of those in use, that are many too */
};

static const size_t table_bytes = TABLE_LENGTH * sizeof(void *);

int mp_shadow_init(struct mp_shadow *shadow, struct mp_counting_filter *filter)
{
    *shadow = (struct mp_shadow){
        .top = mp_take_pages(table_bytes), .filter = filter, .leaves.mapped = table_bytes};
    for (size_t i = 0; i < MP_SHADOW_NEAR; i++)
        shadow->near[i].number = UINTPTR_MAX;
    return shadow->top ? 0 : -1;
}

static void release_middle(struct mp_shadow_leaf **middle)
{
    for (size_t i = 0; i < TABLE_LENGTH; i++) {
        if (!middle[i])
            continue;
        mp_general_release(middle[i]);
        munmap(middle[i], sizeof *middle[i]);
    }
    munmap(middle, table_bytes);
}

void mp_shadow_release(struct mp_shadow *shadow)
{
    for (size_t i = 0; shadow->top && i < TABLE_LENGTH; i++)
        if (shadow->top[i])
            release_middle(shadow->top[i]);
    if (shadow->top)
        munmap(shadow->top, table_bytes);
    mp_slabs_release(&shadow->leaves.slabs);
    mp_odd_blocks_release(&shadow->odd);
    *shadow = (struct mp_shadow){0};
}

/* It is near from now on. With a counting filter none is: every put and take comes by here and is
   counted. */
static struct mp_shadow_leaf *used(struct mp_shadow *shadow, struct mp_shadow_leaf *leaf,
                                   uintptr_t address)
{
    uintptr_t number = address >> MP_SHADOW_LEAF_BITS;
    if (!shadow->filter) {
        shadow->near[number % MP_SHADOW_NEAR].number = number;
        shadow->near[number % MP_SHADOW_NEAR].leaf = leaf;
    }
    return leaf;
}

/* NULL where nothing was ever put. */
static struct mp_shadow_leaf *look_up(const struct mp_shadow *shadow, uintptr_t address)
{
    struct mp_shadow_leaf *near = mp_shadow_near(shadow, address);
    if (near || address >> TOP_SHIFT >= TABLE_LENGTH)
        return near;
    struct mp_shadow_leaf **middle = shadow->top[address >> TOP_SHIFT];
    return middle ? middle[(address >> MP_SHADOW_LEAF_BITS) & (TABLE_LENGTH - 1)] : NULL;
}

static struct mp_shadow_leaf *find_leaf(struct mp_shadow *shadow, uintptr_t address)
{
    struct mp_shadow_leaf *leaf = look_up(shadow, address);
    return leaf ? used(shadow, leaf, address) : NULL;
}

static void *take_counted(struct mp_shadow *shadow, size_t bytes)
{
    void *pages = mp_take_pages(bytes);
    shadow->leaves.mapped += pages ? bytes : 0;
    return pages;
}

static struct mp_shadow_leaf *make_leaf(struct mp_shadow *shadow, uintptr_t address)
{
    struct mp_shadow_leaf *found = find_leaf(shadow, address);
    if (found || address >> TOP_SHIFT >= TABLE_LENGTH)
        return found;
    struct mp_shadow_leaf ***middle = &shadow->top[address >> TOP_SHIFT];
    if (!*middle && !(*middle = take_counted(shadow, table_bytes)))
        return NULL;
    struct mp_shadow_leaf **leaf =
        &(*middle)[(address >> MP_SHADOW_LEAF_BITS) & (TABLE_LENGTH - 1)];
    if (!*leaf && !(*leaf = take_counted(shadow, sizeof **leaf)))
        return NULL;
    return used(shadow, *leaf, address);
}

static bool is_odd(uintptr_t address)
{
    return address % GRAIN;
}

static void sieve_add(struct mp_shadow *shadow, uintptr_t address)
{
    if (shadow->filter)
        mp_counting_filter_add(shadow->filter, address);
}

static void sieve_remove(struct mp_shadow *shadow, uintptr_t address)
{
    if (shadow->filter)
        mp_counting_filter_remove(shadow->filter, address);
}

/* The cell in which a pool notes a block of this size; NULL: it is none of the pool's. */
static uint32_t *cell_for(const struct mp_shadow_leaf *leaf, uintptr_t address, size_t size,
                          size_t most_spare)
{
    uintptr_t pool = leaf->pools[mp_shadow_page(address)];
    size_t spare = (pool & MP_POOL_KIND_MASK) * GRAIN - size;
    return spare < most_spare ? mp_pool_cell(pool, address) : NULL;
}

/* A pool that became one of another class was empty in between. */
static uint32_t *make_pool_cell(struct mp_shadow *shadow, struct mp_shadow_leaf *leaf,
                                uintptr_t address, size_t size)
{
    size_t page = mp_shadow_page(address);
    if (size - 1 >= MP_POOL_MOST_GRAINS * GRAIN)
        return NULL;
    if (mp_shadow_is_pool(leaf, page) && !mp_shadow_drop_pool(&shadow->leaves, leaf, page))
        return NULL;
    if (!mp_shadow_make_pool(&shadow->leaves, leaf, page,
                             (uint32_t)((size - 1) / GRAIN + 1)))
        return NULL;
    return cell_for(leaf, address, size, GRAIN);
}

static int leaf_put(struct mp_shadow *shadow, uintptr_t address, size_t size,
                    uint32_t stack, enum mp_shadow_where where)
{
    struct mp_shadow_leaf *leaf = make_leaf(shadow, address);
    size_t page = mp_shadow_page(address);
    uint32_t *cell = NULL;
    if (!leaf)
        return -1;
    if (where == MP_SHADOW_AS_BEFORE)
        cell = cell_for(leaf, address, size, 1 << MP_POOL_SPARE_BITS);
    else if (where == MP_SHADOW_IN_POOL && !(cell = cell_for(leaf, address, size, GRAIN)))
        cell = make_pool_cell(shadow, leaf, address, size);
    if (cell) {
        size_t spare = (leaf->pools[page] & MP_POOL_KIND_MASK) * GRAIN - size;
        *cell = (stack + 1) << MP_POOL_STACK_SHIFT | (uint32_t)spare << 1;
        return 0;
    }
    if (mp_shadow_is_pool(leaf, page) &&
        mp_shadow_make_general(&shadow->leaves, leaf, page))
        return -1;
    return mp_general_put(&shadow->leaves, leaf, mp_shadow_grain(address), size, stack);
}

int mp_shadow_put_slow(struct mp_shadow *shadow, uintptr_t address, size_t size,
                       uint32_t stack, enum mp_shadow_where where)
{
    int kept = errno;
    int failed =
        is_odd(address)
            ? mp_odd_blocks_put(&shadow->odd, (struct mp_odd_block){address, size, stack})
            : leaf_put(shadow, address, size, stack, where);
    if (!failed)
        sieve_add(shadow, address);
    errno = kept;
    return failed;
}

static struct mp_block odd_take(struct mp_shadow *shadow, uintptr_t address)
{
    struct mp_odd_block *odd = mp_odd_blocks_find(&shadow->odd, address);
    if (!odd)
        return (struct mp_block){0};
    struct mp_block block = {.stack = odd->stack, .size = odd->size, .known = true};
    mp_odd_blocks_remove(&shadow->odd, odd);
    return block;
}

static struct mp_block leaf_take(struct mp_shadow *shadow, uintptr_t address)
{
    struct mp_shadow_leaf *leaf = find_leaf(shadow, address);
    size_t page = mp_shadow_page(address);
    if (!leaf)
        return (struct mp_block){0};
    if (!mp_shadow_is_pool(leaf, page))
        return mp_general_take(&shadow->leaves, leaf, mp_shadow_grain(address));
    uint32_t *cell = mp_pool_cell(leaf->pools[page], address), value = cell ? *cell : 0;
    if (cell)
        *cell = 0;
    return mp_pool_block(value, leaf->pools[page]);
}

struct mp_block mp_shadow_take_slow(struct mp_shadow *shadow, uintptr_t address)
{
    struct mp_block block =
        is_odd(address) ? odd_take(shadow, address) : leaf_take(shadow, address);
    if (block.known || block.watched)
        sieve_remove(shadow, address);
    return block;
}

static struct mp_block find_odd(const struct mp_shadow *shadow, uintptr_t address)
{
    const struct mp_odd_block *odd = mp_odd_blocks_find(&shadow->odd, address);
    return odd ? (struct mp_block){.stack = odd->stack, .size = odd->size, .known = true}
               : (struct mp_block){0};
}

struct mp_block mp_shadow_find_slow(const struct mp_shadow *shadow, uintptr_t address)
{
    const struct mp_shadow_leaf *leaf = look_up(shadow, address);
    size_t page = mp_shadow_page(address);
    if (is_odd(address))
        return find_odd(shadow, address);
    if (!leaf)
        return (struct mp_block){0};
    if (!mp_shadow_is_pool(leaf, page))
        return mp_general_at(leaf, mp_shadow_grain(address));
    const uint32_t *cell = mp_pool_cell(leaf->pools[page], address);
    return cell ? mp_pool_block(*cell, leaf->pools[page]) : (struct mp_block){0};
}

size_t mp_shadow_size(const struct mp_shadow *shadow, uintptr_t address)
{
    struct mp_block block = mp_shadow_find(shadow, address);
    return block.known ? block.size : 0;
}

int mp_shadow_watch(struct mp_shadow *shadow, uintptr_t address)
{
    struct mp_shadow_leaf *leaf = is_odd(address) ? NULL : make_leaf(shadow, address);
    size_t page = mp_shadow_page(address);
    if (!leaf)
        return -1;
    struct mp_block block = mp_shadow_find(shadow, address);
    uint32_t *cell = mp_pool_cell(leaf->pools[page], address);
    if (cell)
        *cell |= MP_POOL_WATCHED;
    else if ((mp_shadow_is_pool(leaf, page) &&
              mp_shadow_make_general(&shadow->leaves, leaf, page)) ||
             mp_general_watch(&shadow->leaves, leaf, mp_shadow_grain(address)))
        return -1;
    if (!block.known && !block.watched)
        sieve_add(shadow, address);
    return 0;
}

void mp_shadow_unwatch(struct mp_shadow *shadow, uintptr_t address)
{
    struct mp_shadow_leaf *leaf = is_odd(address) ? NULL : find_leaf(shadow, address);
    size_t page = mp_shadow_page(address);
    bool was_only_watched = false;
    if (!leaf)
        return;
    if (!mp_shadow_is_pool(leaf, page)) {
        was_only_watched =
            mp_general_unwatch(&shadow->leaves, leaf, mp_shadow_grain(address));
    } else {
        uint32_t *cell = mp_pool_cell(leaf->pools[page], address);
        was_only_watched = cell && *cell == MP_POOL_WATCHED;
        if (cell)
            *cell &= ~(uint32_t)MP_POOL_WATCHED;
    }
    if (was_only_watched)
        sieve_remove(shadow, address);
}

/* Calls back for each leaf, by its number. */
static void each_leaf(const struct mp_shadow *shadow,
                      void (*see)(void *, uintptr_t, struct mp_shadow_leaf *),
                      void *context)
{
    for (uintptr_t i = 0; i < TABLE_LENGTH; i++) {
        struct mp_shadow_leaf **middle = shadow->top[i];
        for (uintptr_t j = 0; middle && j < TABLE_LENGTH; j++)
            if (middle[j])
                see(context, i << MP_SHADOW_MIDDLE_BITS | j, middle[j]);
    }
}

struct seeing {
    void (*see_block)(void *, uintptr_t, const struct mp_block *);
    void (*see_memory)(void *, const void *, size_t);
    void *context;
};

static void see_blocks(void *context, uintptr_t number, struct mp_shadow_leaf *leaf)
{
    const struct seeing *seeing = context;
    mp_shadow_each_in_leaf(leaf, number << MP_SHADOW_LEAF_BITS, seeing->see_block,
                           seeing->context);
}

void mp_shadow_each_block(const struct mp_shadow *shadow,
                          void (*see)(void *, uintptr_t, const struct mp_block *),
                          void *context)
{
    struct seeing seeing = {.see_block = see, .context = context};
    each_leaf(shadow, see_blocks, &seeing);
    for (size_t i = 0; i < shadow->odd.room; i++) {
        const struct mp_odd_block *odd = &shadow->odd.all[i];
        struct mp_block block = {.stack = odd->stack, .size = odd->size, .known = true};
        if (odd->address)
            see(context, odd->address, &block);
    }
}

static void see_memory(void *context, uintptr_t number, struct mp_shadow_leaf *leaf)
{
    const struct seeing *seeing = context;
    (void)number;
    seeing->see_memory(seeing->context, leaf, sizeof *leaf);
    if (leaf->cells)
        seeing->see_memory(seeing->context, leaf->cells, mp_general_bytes);
}

void mp_shadow_each(const struct mp_shadow *shadow,
                    void (*see)(void *context, const void *at, size_t bytes), void *context)
{
    struct seeing seeing = {.see_memory = see, .context = context};
    see(context, shadow->top, table_bytes);
    if (shadow->odd.room)
        see(context, shadow->odd.all, shadow->odd.room * sizeof *shadow->odd.all);
    for (size_t i = 0; i < TABLE_LENGTH; i++)
        if (shadow->top[i])
            see(context, shadow->top[i], table_bytes);
    each_leaf(shadow, see_memory, &seeing);
    mp_slabs_each(&shadow->leaves.slabs, see, context);
}

void mp_shadow_leave(struct mp_shadow *shadow, uintptr_t address, size_t bytes)
{
    const uintptr_t page_bytes = (uintptr_t)1 << MP_SHADOW_PAGE_BITS;
    uintptr_t at = (address + page_bytes - 1) & -page_bytes;
    for (; at + page_bytes <= address + bytes; at += page_bytes) {
        struct mp_shadow_leaf *leaf = find_leaf(shadow, at);
        if (leaf && mp_shadow_is_pool(leaf, mp_shadow_page(at)))
            mp_shadow_drop_pool(&shadow->leaves, leaf, mp_shadow_page(at));
    }
}

static void trim_leaf(void *context, uintptr_t number, struct mp_shadow_leaf *leaf)
{
    (void)number;
    mp_general_trim(context, leaf);
}

void mp_shadow_trim(struct mp_shadow *shadow)
{
    size_t spare = shadow->leaves.touched - shadow->leaves.used;
    if (spare >= MANY && spare >= shadow->leaves.used / PART)
        each_leaf(shadow, trim_leaf, &shadow->leaves);
}
