#include "capture/heap/accounting/general.h"

#include <string.h>
#include <sys/mman.h>

/* What a general cell says besides its stack. */
enum kind {
    EMPTY = 0,
    MOST_SMALL = 17, /* 1 to 17: sizes 0 to 16 */
    LARGE = 18,
    HUGE = 19,
    WATCHED = 20,       /* no block of ours, but tell when it is freed */
    WATCHED_LARGE = 21, /* LARGE, and tell */
    KIND_BITS = 5,
    KIND_MASK = (1 << KIND_BITS) - 1,
};

enum {
    GRAINS = MP_SHADOW_PAGES * MP_SHADOW_PAGE_GRAINS,
    MOST_CELLS = 3, /* of a block */
    SPILL = 4,      /* cells: the last block of a leaf writes over its end */
    GRAIN = 1 << MP_SHADOW_GRAIN_BITS,
};

const size_t mp_general_bytes = (GRAINS + SPILL) * sizeof(uint32_t);

static uint32_t kind_of(const uint32_t *cell)
{
    return *cell & KIND_MASK;
}

/* Cells that the block has for itself. */
static size_t cells_of(uint32_t kind)
{
    if (kind == HUGE)
        return MOST_CELLS;
    return kind == LARGE || kind == WATCHED_LARGE ? 2 : 1;
}

void mp_general_release(struct mp_shadow_leaf *leaf)
{
    if (leaf->cells)
        munmap(leaf->cells, mp_general_bytes);
}

/* The blocks of a page are in a list, not in cells. */
static bool is_sparse(const struct mp_shadow_leaf *leaf, size_t page)
{
    return leaf->sparse[page].word;
}

static size_t page_of(size_t grain)
{
    return grain / MP_SHADOW_PAGE_GRAINS;
}

static struct mp_sparse_block *find_sparse(const struct mp_shadow_leaf *leaf, size_t grain)
{
    size_t page = page_of(grain);
    return mp_sparse_find(leaf->sparse[page], leaf->counts[page],
                          grain % MP_SHADOW_PAGE_GRAINS);
}

static void touch(struct mp_leaves *leaves, struct mp_shadow_leaf *leaf, size_t page)
{
    leaves->touched += !leaf->touched[page];
    leaf->touched[page] = 1;
}

/* One more or less of a page's cells is in use. */
static void add(struct mp_leaves *leaves, struct mp_shadow_leaf *leaf, size_t grain)
{
    size_t page = grain / MP_SHADOW_PAGE_GRAINS;
    size_t last = (grain + MOST_CELLS - 1) / MP_SHADOW_PAGE_GRAINS;
    touch(leaves, leaf, page);
    if (__builtin_expect(last != page && last < MP_SHADOW_PAGES, 0))
        touch(leaves, leaf, last);
    leaves->used += !leaf->counts[page]++;
}

static void subtract(struct mp_leaves *leaves, struct mp_shadow_leaf *leaf, size_t grain)
{
    leaves->used -= !--leaf->counts[grain / MP_SHADOW_PAGE_GRAINS];
}

int mp_general_make_cells(struct mp_leaves *leaves, struct mp_shadow_leaf *leaf)
{
    if (__builtin_expect(leaf->cells != NULL, 1))
        return 0;
    if (!(leaf->cells = mp_take_pages(mp_general_bytes)))
        return -1;
    leaves->mapped += mp_general_bytes;
    return 0;
}

static uint32_t *make_cell(struct mp_leaves *leaves, struct mp_shadow_leaf *leaf,
                           size_t grain)
{
    if (mp_general_make_cells(leaves, leaf))
        return NULL;
    if (kind_of(&leaf->cells[grain]) == EMPTY)
        add(leaves, leaf, grain);
    return &leaf->cells[grain];
}

static int put_cell(struct mp_leaves *leaves, struct mp_shadow_leaf *leaf, size_t grain,
                    size_t size, uint32_t stack)
{
    uint32_t *cell = make_cell(leaves, leaf, grain);
    if (!cell)
        return -1;
    if (size < MOST_SMALL) {
        cell[0] = stack << KIND_BITS | (uint32_t)(size + 1);
        return 0;
    }
    cell[1] = (uint32_t)size;
    if (size > UINT32_MAX)
        cell[2] = (uint32_t)(size >> 32);
    cell[0] = stack << KIND_BITS | (size > UINT32_MAX ? HUGE : LARGE);
    return 0;
}

static int watch_cell(struct mp_leaves *leaves, struct mp_shadow_leaf *leaf, size_t grain)
{
    uint32_t *cell = make_cell(leaves, leaf, grain);
    if (!cell)
        return -1;
    if (kind_of(cell) == EMPTY)
        *cell = WATCHED;
    else if (kind_of(cell) == LARGE)
        *cell += WATCHED_LARGE - LARGE;
    return 0;
}

/* The list goes; what was in it is the caller's. */
static void end_sparse(struct mp_leaves *leaves, struct mp_shadow_leaf *leaf, size_t page)
{
    leaves->touched--;
    leaves->used -= leaf->counts[page] != 0;
    mp_sparse_release(&leaf->sparse[page], &leaves->slabs, leaf->counts[page]);
    leaf->counts[page] = 0;
}

static int spread(struct mp_leaves *leaves, struct mp_shadow_leaf *leaf, size_t page)
{
    struct mp_sparse_block blocks[MP_SPARSE_MOST];
    size_t count = leaf->counts[page];
    if (!is_sparse(leaf, page))
        return 0;
    if (mp_general_make_cells(leaves, leaf))
        return -1;
    memcpy(blocks, mp_sparse_blocks(leaf->sparse[page]), count * sizeof *blocks);
    end_sparse(leaves, leaf, page);
    for (size_t i = 0; i < count; i++) {
        size_t grain = page * MP_SHADOW_PAGE_GRAINS + blocks[i].grain;
        if (blocks[i].known)
            put_cell(leaves, leaf, grain, blocks[i].size, blocks[i].stack);
        if (blocks[i].watched)
            watch_cell(leaves, leaf, grain);
    }
    return 0;
}

int mp_general_to_cells(struct mp_leaves *leaves, struct mp_shadow_leaf *leaf, size_t page)
{
    if (!is_sparse(leaf, page) || leaf->counts[page])
        return spread(leaves, leaf, page);
    end_sparse(leaves, leaf, page);
    return 0;
}

/* The place of a block in the list of its page; NULL: there is no list, and is to be none. */
static struct mp_sparse_block *make_sparse(struct mp_leaves *leaves,
                                           struct mp_shadow_leaf *leaf, size_t grain)
{
    size_t page = page_of(grain), count = leaf->counts[page];
    struct mp_sparse_block none = {.grain = (uint16_t)(grain % MP_SHADOW_PAGE_GRAINS)};
    bool is_new = !is_sparse(leaf, page);
    struct mp_sparse_block *found = is_new ? NULL : find_sparse(leaf, grain);
    if (found)
        return found;
    if (is_new && (count || leaf->touched[page]))
        return NULL;
    if (!mp_sparse_add(&leaf->sparse[page], &leaves->slabs, count, &none))
        return NULL;
    leaves->touched += is_new;
    leaves->used += !leaf->counts[page]++;
    return &mp_sparse_blocks(leaf->sparse[page])[count];
}

int mp_general_put(struct mp_leaves *leaves, struct mp_shadow_leaf *leaf, size_t grain,
                   size_t size, uint32_t stack)
{
    struct mp_sparse_block *block =
        size > UINT32_MAX ? NULL : make_sparse(leaves, leaf, grain);
    if (block) {
        block->known = true;
        block->watched = false;
        block->size = (uint32_t)size;
        block->stack = stack;
        return 0;
    }
    return spread(leaves, leaf, page_of(grain))
               ? -1
               : put_cell(leaves, leaf, grain, size, stack);
}

int mp_general_watch(struct mp_leaves *leaves, struct mp_shadow_leaf *leaf, size_t grain)
{
    struct mp_sparse_block *block = make_sparse(leaves, leaf, grain);
    if (block) {
        block->watched = true;
        return 0;
    }
    return spread(leaves, leaf, page_of(grain)) ? -1 : watch_cell(leaves, leaf, grain);
}

static struct mp_block block_of(const uint32_t *cell)
{
    uint32_t kind = kind_of(cell);
    struct mp_block block = {.stack = *cell >> KIND_BITS,
                             .size = kind - 1,
                             .known = kind != EMPTY && kind != WATCHED,
                             .watched = kind >= WATCHED};
    if (!block.known)
        block.size = 0;
    else if (kind == HUGE)
        block.size = (size_t)cell[2] << 32 | cell[1];
    else if (kind >= LARGE)
        block.size = cell[1];
    return block;
}

static struct mp_block of_sparse(const struct mp_sparse_block *block)
{
    return (struct mp_block){.stack = block->stack,
                             .size = block->size,
                             .known = block->known,
                             .watched = block->watched};
}

/* Cells of a page without blocks are not read: that would map the zero page there, which
   mincore(2) calls resident, and the RSS does not count. */
struct mp_block mp_general_at(const struct mp_shadow_leaf *leaf, size_t grain)
{
    if (is_sparse(leaf, page_of(grain))) {
        const struct mp_sparse_block *block = find_sparse(leaf, grain);
        return block ? of_sparse(block) : (struct mp_block){0};
    }
    return leaf->counts[page_of(grain)] ? block_of(&leaf->cells[grain])
                                        : (struct mp_block){0};
}

static void remove_sparse(struct mp_leaves *leaves, struct mp_shadow_leaf *leaf,
                          size_t grain)
{
    size_t page = page_of(grain);
    mp_sparse_remove(leaf->sparse[page], leaf->counts[page], find_sparse(leaf, grain));
    subtract(leaves, leaf, grain);
}

/* A block nobody told of may begin in its cells next. */
struct mp_block mp_general_take(struct mp_leaves *leaves, struct mp_shadow_leaf *leaf,
                                size_t grain)
{
    struct mp_block block = mp_general_at(leaf, grain);
    if (!block.known && !block.watched)
        return block;
    if (is_sparse(leaf, page_of(grain))) {
        remove_sparse(leaves, leaf, grain);
        return block;
    }
    uint32_t *cell = &leaf->cells[grain];
    switch (cells_of(kind_of(cell))) {
    case 3:
        cell[2] = EMPTY;
        /* fall through */
    case 2:
        cell[1] = EMPTY;
        /* fall through */
    default:
        cell[0] = EMPTY;
    }
    subtract(leaves, leaf, grain);
    return block;
}

static bool unwatch_sparse(struct mp_leaves *leaves, struct mp_shadow_leaf *leaf,
                           size_t grain)
{
    struct mp_sparse_block *block = find_sparse(leaf, grain);
    if (!block || !block->watched)
        return false;
    block->watched = false;
    if (block->known)
        return false;
    remove_sparse(leaves, leaf, grain);
    return true;
}

bool mp_general_unwatch(struct mp_leaves *leaves, struct mp_shadow_leaf *leaf, size_t grain)
{
    if (is_sparse(leaf, page_of(grain)))
        return unwatch_sparse(leaves, leaf, grain);
    uint32_t *cell = leaf->cells ? &leaf->cells[grain] : NULL;
    if (cell && kind_of(cell) == WATCHED_LARGE)
        *cell -= WATCHED_LARGE - LARGE;
    if (!cell || kind_of(cell) != WATCHED)
        return false;
    *cell = EMPTY;
    subtract(leaves, leaf, grain);
    return true;
}

size_t mp_general_next(const struct mp_shadow_leaf *leaf, size_t grain, size_t end)
{
    while (grain < end && kind_of(&leaf->cells[grain]) == EMPTY)
        grain++;
    return grain;
}

size_t mp_general_length(const struct mp_shadow_leaf *leaf, size_t grain)
{
    return cells_of(kind_of(&leaf->cells[grain]));
}

bool mp_general_is_spilled_into(const struct mp_shadow_leaf *leaf, size_t page)
{
    const uint32_t *first = &leaf->cells[page * MP_SHADOW_PAGE_GRAINS];
    return page && leaf->counts[page - 1] && !is_sparse(leaf, page - 1) &&
           (first[-1] || first[-2]);
}

static void each_in_list(const struct mp_shadow_leaf *leaf, uintptr_t page_at, size_t page,
                         mp_general_see *see, void *context)
{
    const struct mp_sparse_block *blocks = mp_sparse_blocks(leaf->sparse[page]);
    for (size_t i = 0; i < leaf->counts[page]; i++) {
        struct mp_block block = of_sparse(&blocks[i]);
        if (block.known)
            see(context, page_at + blocks[i].grain * GRAIN, &block);
    }
}

size_t mp_general_each(const struct mp_shadow_leaf *leaf, uintptr_t base, size_t page,
                       size_t grain, mp_general_see *see, void *context)
{
    size_t first = page * MP_SHADOW_PAGE_GRAINS, end = first + MP_SHADOW_PAGE_GRAINS;
    if (is_sparse(leaf, page)) {
        each_in_list(leaf, base + first * GRAIN, page, see, context);
        return grain;
    }
    grain = grain > first ? grain : first;
    while (leaf->counts[page] && (grain = mp_general_next(leaf, grain, end)) < end) {
        struct mp_block block = block_of(&leaf->cells[grain]);
        if (block.known)
            see(context, base + grain * GRAIN, &block);
        grain += mp_general_length(leaf, grain);
    }
    return grain;
}

static bool is_spare(const struct mp_shadow_leaf *leaf, size_t page)
{
    return leaf->touched[page] && !leaf->counts[page] &&
           !mp_general_is_spilled_into(leaf, page);
}

static void trim_lists(struct mp_leaves *leaves, struct mp_shadow_leaf *leaf)
{
    for (size_t page = 0; page < MP_SHADOW_PAGES; page++)
        if (is_sparse(leaf, page) && !leaf->counts[page])
            end_sparse(leaves, leaf, page);
}

void mp_general_trim(struct mp_leaves *leaves, struct mp_shadow_leaf *leaf)
{
    trim_lists(leaves, leaf);
    for (size_t page = 0, end; page < MP_SHADOW_PAGES; page = end + 1) {
        for (end = page; end < MP_SHADOW_PAGES && is_spare(leaf, end); end++)
            ;
        size_t bytes = (end - page) * MP_SHADOW_PAGE_GRAINS * sizeof(uint32_t);
        uint32_t *from = leaf->cells + page * MP_SHADOW_PAGE_GRAINS;
        if (!bytes || madvise(from, bytes, MADV_DONTNEED))
            continue;
        memset(leaf->touched + page, 0, end - page);
        leaves->touched -= end - page;
    }
}
