#include "capture/heap/accounting/odd_blocks.h"

#include <sys/mman.h>

#include "capture/heap/accounting/open_addressing.h"
#include "capture/heap/accounting/slabs.h"

enum { FIRST_ROOM = 1024 };

void mp_odd_blocks_release(struct mp_odd_blocks *blocks)
{
    if (blocks->all)
        munmap(blocks->all, blocks->room * sizeof *blocks->all);
    *blocks = (struct mp_odd_blocks){0};
}

static struct mp_odd_block *slot_of(const struct mp_odd_blocks *blocks, uintptr_t address)
{
    size_t at = mp_open_addressing_home(address, blocks->room);
    while (blocks->all[at].address && blocks->all[at].address != address)
        at = (at + 1) & (blocks->room - 1);
    return &blocks->all[at];
}

static int grow(struct mp_odd_blocks *blocks)
{
    struct mp_odd_blocks grown = {.room = blocks->room ? blocks->room * 2 : FIRST_ROOM,
                                  .count = blocks->count};
    grown.all = mp_take_pages(grown.room * sizeof *grown.all);
    if (!grown.all)
        return -1;
    for (size_t i = 0; i < blocks->room; i++)
        if (blocks->all[i].address)
            *slot_of(&grown, blocks->all[i].address) = blocks->all[i];
    mp_odd_blocks_release(blocks);
    *blocks = grown;
    return 0;
}

int mp_odd_blocks_put(struct mp_odd_blocks *blocks, struct mp_odd_block block)
{
    if (blocks->count * 2 >= blocks->room && grow(blocks))
        return -1;
    struct mp_odd_block *slot = slot_of(blocks, block.address);
    blocks->count += !slot->address;
    *slot = block;
    return 0;
}

struct mp_odd_block *mp_odd_blocks_find(const struct mp_odd_blocks *blocks,
                                        uintptr_t address)
{
    struct mp_odd_block *slot = blocks->room ? slot_of(blocks, address) : NULL;
    return slot && slot->address ? slot : NULL;
}

void mp_odd_blocks_remove(struct mp_odd_blocks *blocks, struct mp_odd_block *block)
{
    size_t mask = blocks->room - 1, gap = (size_t)(block - blocks->all);
    for (size_t at = (gap + 1) & mask; blocks->all[at].address; at = (at + 1) & mask) {
        if (!mp_open_addressing_moves(blocks->all[at].address, at, gap, blocks->room))
            continue;
        blocks->all[gap] = blocks->all[at];
        gap = at;
    }
    blocks->all[gap].address = 0;
    blocks->count--;
}
