#include "aggregate/heap/merge_types.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/heap/types.h"
#include "base/array.h"
#include "base/mix.h"
#include "base/saturate.h"

static int add_type(struct mp_heap_merge_types *types, const struct mp_heap_view *view,
                    struct mp_heap_text name, char **text, size_t *size, size_t *room)
{
    size_t end = *size + name.length;
    if (end > UINT32_MAX) {
        errno = ENOMEM;
        return -1;
    }
    if (mp_array_reserve((void **)&types->types, &types->type_room, types->type_count + 1,
                         sizeof *types->types) ||
        mp_array_reserve((void **)text, room, end + 1, 1))
        return -1;
    memcpy(*text + *size, view->text + name.offset, name.length);
    types->types[types->type_count++].name =
        (struct mp_heap_text){(uint32_t)*size, name.length};
    *size = end;
    return 0;
}

static bool is_named(const struct mp_heap_merge_types *types, size_t number,
                     const struct mp_heap_view *view, struct mp_heap_text name,
                     const char *text)
{
    struct mp_heap_text its = types->types[number].name;
    return its.length == name.length &&
           !memcmp(text + its.offset, view->text + name.offset, name.length);
}

/* The number of a type here, made where there is none. Of the first few, which are no types, the place is all.
   -1 with errno ENOMEM. */
static int64_t find_type(struct mp_heap_merge_types *types, const struct mp_heap_view *view,
                         size_t place, char **text, size_t *size, size_t *room)
{
    struct mp_heap_text name = view->types[place].name;
    struct mp_slots_at at;
    if (place < MP_HEAP_TYPES_FIRST)
        return place < types->type_count || !add_type(types, view, name, text, size, room)
                   ? (int64_t)place
                   : -1;
    mp_slots_begin(&at, &types->named, mp_mix_bytes(view->text + name.offset, name.length));
    while (mp_slots_next(&at, &types->named))
        if (is_named(types, at.number, view, name, *text))
            return at.number;
    if (add_type(types, view, name, text, size, room) ||
        mp_slots_put(&at, &types->named, (uint32_t)types->type_count - 1))
        return -1;
    return (int64_t)types->type_count - 1;
}

/* A stack's row of a type is one, whatever processes have it. */
static int add_row(struct mp_heap_merge_types *types, const struct mp_heap_typed *row)
{
    struct mp_slots_at at;
    mp_slots_begin(&at, &types->placed, mp_mix(row->node, row->type));
    while (mp_slots_next(&at, &types->placed)) {
        struct mp_heap_typed *sum = &types->rows[at.number - 1];
        if (sum->node != row->node || sum->type != row->type)
            continue;
        sum->blocks = mp_sum(sum->blocks, row->blocks);
        sum->bytes = mp_sum(sum->bytes, row->bytes);
        sum->kept_blocks = mp_sum(sum->kept_blocks, row->kept_blocks);
        sum->kept = mp_sum(sum->kept, row->kept);
        return 0;
    }
    if (mp_array_reserve((void **)&types->rows, &types->row_room, types->row_count + 1,
                         sizeof *types->rows))
        return -1;
    types->rows[types->row_count++] = *row;
    return mp_slots_put(&at, &types->placed, (uint32_t)types->row_count);
}

static int begin(struct mp_heap_merge_types *types)
{
    bool failed = (!types->named.slots && mp_slots_init(&types->named, 0)) ||
                  (!types->placed.slots && mp_slots_init(&types->placed, 0));
    return failed ? -1 : 0;
}

int mp_heap_merge_types_add(struct mp_heap_merge_types *types,
                            const struct mp_heap_view *view, const uint32_t *nodes,
                            char **text, size_t *size, size_t *room)
{
    bool at = types->at && mp_heap_is_at(view);
    if (at && view->range->to.when == MP_HEAP_WHEN_START)
        return 0; /* it was not there then */
    struct mp_heap_typing typing = at ? mp_heap_typing_at(view) : mp_heap_typing_of(view);
    size_t count = typing.row_count, all = typing.type_count;
    if (all < MP_HEAP_TYPES_FIRST) {
        types->without++;
        return 0;
    }
    uint32_t *numbers = calloc(all + 1, sizeof *numbers);
    if (!numbers)
        return -1;
    int failed = begin(types);
    for (size_t i = 0; i < all && !failed; i++) {
        int64_t number = find_type(types, view, i, text, size, room);
        failed = number < 0;
        numbers[i] = (uint32_t)(failed ? 0 : number);
    }
    for (size_t i = 0; i < count && !failed; i++) {
        struct mp_heap_typed row = typing.rows[i];
        row.node = nodes[row.node];
        row.type = numbers[row.type];
        failed = add_row(types, &row);
    }
    free(numbers);
    return failed ? -1 : 0;
}

void mp_heap_merge_types_release(struct mp_heap_merge_types *types)
{
    free(types->types);
    free(types->rows);
    mp_slots_release(&types->named);
    mp_slots_release(&types->placed);
    *types = (struct mp_heap_merge_types){0};
}
