#include "aggregate/heap/owners.h"

#include <stdlib.h>
#include <string.h>

static void keep(struct mp_heap_owners *owners, const struct mp_heap_holder *row,
                 uint32_t number, size_t most)
{
    size_t at = owners->count;
    while (at && owners->owned[at - 1].row->retained < row->retained)
        at--;
    if (at == most)
        return;
    owners->count += owners->count < most;
    memmove(&owners->owned[at + 1], &owners->owned[at],
            (owners->count - at - 1) * sizeof owners->owned[0]);
    owners->owned[at] = (struct mp_heap_owned){row, number, 0};
}

static uint32_t position_of(const struct mp_heap_owners *owners, uint32_t number)
{
    for (uint32_t i = 0; i < owners->count; i++)
        if (owners->owned[i].number == number)
            return i + 1;
    return 0;
}

void mp_heap_owners_choose(struct mp_heap_owners *owners, const struct mp_heap_view *view,
                           size_t most, uint64_t least)
{
    uint32_t number = 0;
    owners->all = NULL;
    owners->count = 0;
    for (size_t i = 0; i < view->counts[MP_HEAP_HOLDERS]; i++) {
        const struct mp_heap_holder *row = &view->holders[i];
        if (!i && row->kind == MP_HEAP_HOLDER_ALL)
            owners->all = row;
        if (!owners->all)
            return;
        if (row->kind == MP_HEAP_HOLDER_OWNER && ++number &&
            row->retained >= owners->all->retained / least)
            keep(owners, row, number, most);
    }
    for (size_t i = 0; i < owners->count; i++)
        owners->owned[i].above = position_of(owners, owners->owned[i].row->others);
}

static uint32_t keep_text(struct mp_heap_owners_kept *kept, const struct mp_heap_view *view,
                          size_t *size, uint32_t offset, uint32_t length)
{
    size_t at = *size;
    memcpy(kept->text + at, view->text + offset, length);
    *size += length;
    return (uint32_t)at;
}

int mp_heap_owners_keep(struct mp_heap_owners_kept *kept, const struct mp_heap_view *view,
                        size_t most)
{
    struct mp_heap_owners owners;
    size_t size = 0;
    *kept = (struct mp_heap_owners_kept){0};
    mp_heap_owners_choose(&owners, view, most, UINT64_MAX);
    if (!owners.all)
        return 0;
    for (size_t i = 0; i < owners.count; i++)
        size += (size_t)owners.owned[i].row->of_length + owners.owned[i].row->path_length;
    kept->text = malloc(size + 1);
    kept->rows = calloc(owners.count + 1, sizeof *kept->rows);
    if (!kept->text || !kept->rows)
        return -1;
    size = 0;
    for (size_t i = 0; i < owners.count; i++) {
        struct mp_heap_holder *row = &kept->rows[kept->count++];
        *row = *owners.owned[i].row;
        row->of = keep_text(kept, view, &size, row->of, row->of_length);
        row->path = keep_text(kept, view, &size, row->path, row->path_length);
        row->others = owners.owned[i].above;
    }
    kept->all = *owners.all;
    kept->known = true;
    return 0;
}

void mp_heap_owners_release(struct mp_heap_owners_kept *kept)
{
    free(kept->rows);
    free(kept->text);
    *kept = (struct mp_heap_owners_kept){0};
}
