#include "capture/heap/accounting/sparse.h"

#include <string.h>

enum { LENGTHS = 4, LENGTH_MASK = MP_SLAB_LINE - 1 };

static const uint8_t lines[LENGTHS] = {1, 2, 4, 6};

_Static_assert(sizeof(struct mp_sparse_block) == 12, "five are in a line");

static size_t bytes_of(size_t length)
{
    return (size_t)lines[length] * MP_SLAB_LINE;
}

static size_t length_of(struct mp_sparse list)
{
    return list.word & LENGTH_MASK;
}

static size_t room_of(struct mp_sparse list)
{
    return list.word ? bytes_of(length_of(list)) / sizeof(struct mp_sparse_block) : 0;
}

struct mp_sparse_block *mp_sparse_blocks(struct mp_sparse list)
{
    return (struct mp_sparse_block *)(list.word & ~(uintptr_t)LENGTH_MASK);
}

struct mp_sparse_block *mp_sparse_find(struct mp_sparse list, size_t count, size_t grain)
{
    struct mp_sparse_block *blocks = mp_sparse_blocks(list);
    for (size_t i = count; i-- > 0;) /* the latest is the likeliest to go */
        if (blocks[i].grain == grain)
            return &blocks[i];
    return NULL;
}

static bool grow(struct mp_sparse *list, struct mp_slabs *slabs, size_t count)
{
    size_t length = list->word ? length_of(*list) + 1 : 0;
    void *more = length < LENGTHS ? mp_slabs_take(slabs, bytes_of(length)) : NULL;
    if (!more)
        return false;
    if (count)
        memcpy(more, mp_sparse_blocks(*list), count * sizeof(struct mp_sparse_block));
    mp_sparse_release(list, slabs, count);
    list->word = (uintptr_t)more | length;
    return true;
}

bool mp_sparse_add(struct mp_sparse *list, struct mp_slabs *slabs, size_t count,
                   const struct mp_sparse_block *block)
{
    if (count == room_of(*list) && !grow(list, slabs, count))
        return false;
    mp_sparse_blocks(*list)[count] = *block;
    return true;
}

/* What is behind the last one is zero. */
void mp_sparse_remove(struct mp_sparse list, size_t count, struct mp_sparse_block *block)
{
    struct mp_sparse_block *last = &mp_sparse_blocks(list)[count - 1];
    *block = *last;
    memset(last, 0, sizeof *last);
}

void mp_sparse_release(struct mp_sparse *list, struct mp_slabs *slabs, size_t count)
{
    if (!list->word)
        return;
    memset(mp_sparse_blocks(*list), 0, count * sizeof(struct mp_sparse_block));
    mp_slabs_give(slabs, mp_sparse_blocks(*list));
    list->word = 0;
}
