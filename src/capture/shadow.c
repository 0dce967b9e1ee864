#include "capture/shadow.h"

#include <sys/mman.h>

#include "capture/open_table.h"

enum {
    LEAF_CELLS = 1 << MP_SHADOW_LEAF_BITS,
    TABLE_LENGTH = 1 << MP_SHADOW_MIDDLE_BITS,
    SPILL_CELLS = 4, /* the last block of a leaf writes over its end */
    TOP_SHIFT = MP_SHADOW_LEAF_SHIFT + MP_SHADOW_MIDDLE_BITS,
    FIRST_ODD_ROOM = 1024,
};

static void *take_pages(size_t bytes)
{
    void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED)
        return NULL;
    madvise(pages, bytes, MADV_NOHUGEPAGE);
    return pages;
}

static const size_t table_bytes = TABLE_LENGTH * sizeof(void *);
static const size_t leaf_bytes = (LEAF_CELLS + SPILL_CELLS) * sizeof(uint32_t);

int mp_shadow_init(struct mp_shadow *shadow, struct mp_sieve *sieve)
{
    *shadow = (struct mp_shadow){.top = take_pages(table_bytes), .sieve = sieve};
    for (size_t i = 0; i < MP_SHADOW_NEAR; i++)
        shadow->near[i].number = UINTPTR_MAX;
    return shadow->top ? 0 : -1;
}

static void release_middle(uint32_t **middle)
{
    for (size_t i = 0; i < TABLE_LENGTH; i++)
        if (middle[i])
            munmap(middle[i], leaf_bytes);
    munmap(middle, table_bytes);
}

void mp_shadow_release(struct mp_shadow *shadow)
{
    for (size_t i = 0; shadow->top && i < TABLE_LENGTH; i++)
        if (shadow->top[i])
            release_middle(shadow->top[i]);
    if (shadow->top)
        munmap(shadow->top, table_bytes);
    if (shadow->odd)
        munmap(shadow->odd, shadow->odd_room * sizeof *shadow->odd);
    *shadow = (struct mp_shadow){0};
}

/* The cell of an address in a leaf, which is near from now on. With a sieve none is: every put and
   take comes by here and is counted. */
static uint32_t *cell_in(struct mp_shadow *shadow, uint32_t *leaf, uintptr_t address)
{
    uintptr_t number = address >> MP_SHADOW_LEAF_SHIFT;
    if (!shadow->sieve) {
        shadow->near[number % MP_SHADOW_NEAR].number = number;
        shadow->near[number % MP_SHADOW_NEAR].leaf = leaf;
    }
    return leaf + ((address >> MP_SHADOW_GRAIN_BITS) & (LEAF_CELLS - 1));
}

/* NULL where nothing was ever put. */
static uint32_t *find_cell(struct mp_shadow *shadow, uintptr_t address)
{
    if (address >> TOP_SHIFT >= TABLE_LENGTH)
        return NULL;
    uint32_t **middle = shadow->top[address >> TOP_SHIFT];
    uint32_t *leaf =
        middle ? middle[(address >> MP_SHADOW_LEAF_SHIFT) & (TABLE_LENGTH - 1)] : NULL;
    return leaf ? cell_in(shadow, leaf, address) : NULL;
}

static uint32_t *make_cell(struct mp_shadow *shadow, uintptr_t address)
{
    if (address >> TOP_SHIFT >= TABLE_LENGTH)
        return NULL;
    uint32_t ***middle = &shadow->top[address >> TOP_SHIFT];
    if (!*middle && !(*middle = take_pages(table_bytes)))
        return NULL;
    uint32_t **leaf = &(*middle)[(address >> MP_SHADOW_LEAF_SHIFT) & (TABLE_LENGTH - 1)];
    if (!*leaf && (*leaf = take_pages(leaf_bytes)))
        shadow->leaves++;
    return *leaf ? cell_in(shadow, *leaf, address) : NULL;
}

/* Blocks at odd multiples of 8. */

static bool is_odd(uintptr_t address)
{
    return address & ((1 << MP_SHADOW_GRAIN_BITS) - 1);
}

static struct mp_shadow_odd *odd_slot(struct mp_shadow *shadow, uintptr_t address)
{
    size_t at = mp_open_home(address, shadow->odd_room);
    while (shadow->odd[at].address && shadow->odd[at].address != address)
        at = (at + 1) & (shadow->odd_room - 1);
    return &shadow->odd[at];
}

static int odd_grow(struct mp_shadow *shadow)
{
    struct mp_shadow old = *shadow;
    shadow->odd_room = old.odd_room ? old.odd_room * 2 : FIRST_ODD_ROOM;
    shadow->odd = take_pages(shadow->odd_room * sizeof *shadow->odd);
    if (!shadow->odd) {
        *shadow = old;
        return -1;
    }
    for (size_t i = 0; i < old.odd_room; i++)
        if (old.odd[i].address)
            *odd_slot(shadow, old.odd[i].address) = old.odd[i];
    if (old.odd)
        munmap(old.odd, old.odd_room * sizeof *old.odd);
    return 0;
}

static int odd_put(struct mp_shadow *shadow, uintptr_t address, size_t size, uint32_t stack)
{
    if (shadow->odd_count * 2 >= shadow->odd_room && odd_grow(shadow))
        return -1;
    struct mp_shadow_odd *slot = odd_slot(shadow, address);
    shadow->odd_count += !slot->address;
    *slot = (struct mp_shadow_odd){address, size, stack};
    return 0;
}

static void odd_remove(struct mp_shadow *shadow, struct mp_shadow_odd *slot)
{
    size_t mask = shadow->odd_room - 1, gap = (size_t)(slot - shadow->odd);
    for (size_t at = (gap + 1) & mask; shadow->odd[at].address; at = (at + 1) & mask) {
        if (!mp_open_moves(shadow->odd[at].address, at, gap, shadow->odd_room))
            continue;
        shadow->odd[gap] = shadow->odd[at];
        gap = at;
    }
    shadow->odd[gap].address = 0;
    shadow->odd_count--;
}

static struct mp_block odd_take(struct mp_shadow *shadow, uintptr_t address)
{
    struct mp_block block = {0};
    struct mp_shadow_odd *slot = shadow->odd_room ? odd_slot(shadow, address) : NULL;
    if (slot && slot->address) {
        block = (struct mp_block){slot->stack, slot->size, true, false};
        odd_remove(shadow, slot);
    }
    return block;
}

static void sieve_add(struct mp_shadow *shadow, uintptr_t address)
{
    if (shadow->sieve)
        mp_sieve_add(shadow->sieve, address);
}

static void sieve_remove(struct mp_shadow *shadow, uintptr_t address)
{
    if (shadow->sieve)
        mp_sieve_remove(shadow->sieve, address);
}

static int cell_put(struct mp_shadow *shadow, uintptr_t address, size_t size,
                    uint32_t stack)
{
    uint32_t *cell = find_cell(shadow, address);
    if (!cell && !(cell = make_cell(shadow, address)))
        return -1;
    if (size <= UINT32_MAX) {
        mp_cell_put(cell, size, stack);
        return 0;
    }
    cell[1] = (uint32_t)size;
    cell[2] = (uint32_t)(size >> 32);
    cell[0] = stack << MP_CELL_KIND_BITS | MP_CELL_HUGE;
    return 0;
}

int mp_shadow_put_slow(struct mp_shadow *shadow, uintptr_t address, size_t size,
                       uint32_t stack)
{
    int failed = is_odd(address) ? odd_put(shadow, address, size, stack)
                                 : cell_put(shadow, address, size, stack);
    if (!failed)
        sieve_add(shadow, address);
    return failed;
}

/* Sizes of the kinds above the large ones. */
static struct mp_block take_special(uint32_t *cell)
{
    uint32_t kind = *cell & MP_CELL_KIND_MASK;
    struct mp_block block = {.stack = *cell >> MP_CELL_KIND_BITS,
                             .known = kind != MP_CELL_WATCHED,
                             .watched = kind != MP_CELL_HUGE};
    if (kind != MP_CELL_WATCHED) {
        block.size = kind == MP_CELL_HUGE ? (size_t)cell[2] << 32 | cell[1] : cell[1];
        cell[1] = MP_CELL_EMPTY;
    }
    if (kind == MP_CELL_HUGE)
        cell[2] = MP_CELL_EMPTY;
    cell[0] = MP_CELL_EMPTY;
    return block;
}

static struct mp_block cell_take(struct mp_shadow *shadow, uintptr_t address)
{
    uint32_t *cell = find_cell(shadow, address);
    if (!cell)
        return (struct mp_block){0};
    if ((*cell & MP_CELL_KIND_MASK) > MP_CELL_LARGE)
        return take_special(cell);
    return mp_cell_take(cell);
}

struct mp_block mp_shadow_take_slow(struct mp_shadow *shadow, uintptr_t address)
{
    struct mp_block block =
        is_odd(address) ? odd_take(shadow, address) : cell_take(shadow, address);
    if (block.known || block.watched)
        sieve_remove(shadow, address);
    return block;
}

int mp_shadow_watch(struct mp_shadow *shadow, uintptr_t address)
{
    uint32_t *cell = is_odd(address) ? NULL : find_cell(shadow, address);
    if (!cell && (is_odd(address) || !(cell = make_cell(shadow, address))))
        return -1;
    uint32_t kind = *cell & MP_CELL_KIND_MASK;
    if (kind == MP_CELL_EMPTY) {
        *cell = MP_CELL_WATCHED;
        sieve_add(shadow, address);
    } else if (kind == MP_CELL_LARGE) {
        *cell += MP_CELL_WATCHED_LARGE - MP_CELL_LARGE;
    }
    return 0;
}

void mp_shadow_unwatch(struct mp_shadow *shadow, uintptr_t address)
{
    uint32_t *cell = is_odd(address) ? NULL : find_cell(shadow, address);
    uint32_t kind = cell ? *cell & MP_CELL_KIND_MASK : MP_CELL_EMPTY;
    if (kind == MP_CELL_WATCHED) {
        *cell = MP_CELL_EMPTY;
        sieve_remove(shadow, address);
    } else if (kind == MP_CELL_WATCHED_LARGE) {
        *cell -= MP_CELL_WATCHED_LARGE - MP_CELL_LARGE;
    }
}

size_t mp_shadow_size(struct mp_shadow *shadow, uintptr_t address)
{
    const uint32_t *cell = is_odd(address) ? NULL : find_cell(shadow, address);
    if (!cell)
        return 0;
    switch (*cell & MP_CELL_KIND_MASK) {
    case MP_CELL_EMPTY:
    case MP_CELL_WATCHED:
        return 0;
    case MP_CELL_HUGE:
        return (size_t)cell[2] << 32 | cell[1];
    case MP_CELL_LARGE:
    case MP_CELL_WATCHED_LARGE:
        return cell[1];
    default:
        return (*cell & MP_CELL_KIND_MASK) - 1;
    }
}

void mp_shadow_each(const struct mp_shadow *shadow,
                    void (*see)(void *context, const void *at, size_t bytes), void *context)
{
    see(context, shadow->top, table_bytes);
    see(context, shadow->odd, shadow->odd_room * sizeof *shadow->odd);
    for (size_t i = 0; i < TABLE_LENGTH; i++) {
        uint32_t **middle = shadow->top[i];
        for (size_t j = 0; middle && j < TABLE_LENGTH; j++)
            if (middle[j])
                see(context, middle[j], leaf_bytes);
        if (middle)
            see(context, middle, table_bytes);
    }
}
