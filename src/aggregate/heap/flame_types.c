#include "aggregate/heap/flame_types.h"

#include <stdlib.h>

enum { MOST = 12000, LEAST_EACH = 500 }; /* of a graph, and of a count */

static int by_place(const void *left, const void *right)
{
    const struct mp_flame_typed *a = left, *b = right;
    if (a->census != b->census)
        return a->census < b->census ? -1 : 1;
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    return (a->frame > b->frame) - (a->frame < b->frame);
}

/* The largest, which come first. */
static int add(struct mp_flame_types *types, const struct mp_heap_counted *counted,
               uint32_t census, const struct mp_flame *flame, size_t most)
{
    struct mp_heap_type_rows rows;
    int failed = mp_heap_type_rows_init(&rows, &counted->typing, flame->places);
    size_t count = rows.count < most ? rows.count : most;
    for (size_t i = 0; i < count && !failed; i++) {
        const struct mp_heap_type_row *row = &rows.rows[i];
        int64_t bytes = mp_heap_type_row_size(row);
        uint32_t frame = row->line == MP_HEAP_NO_LINE ? 0 : row->line;
        if (bytes > 0)
            types->typed[types->count++] =
                (struct mp_flame_typed){census, row->type, frame, bytes};
    }
    mp_heap_type_rows_release(&rows);
    return failed;
}

int mp_flame_types_init(struct mp_flame_types *types,
                        const struct mp_heap_censuses *censuses,
                        const struct mp_flame *flame)
{
    size_t each = MOST / (censuses->count ? censuses->count : 1);
    each = each < LEAST_EACH ? LEAST_EACH : each;
    *types = (struct mp_flame_types){
        .typed = calloc(each * censuses->count + 1, sizeof *types->typed)};
    int failed = !types->typed;
    for (uint32_t i = 0; i < censuses->count && !failed; i++)
        failed = add(types, &censuses->counted[i], i, flame, each);
    if (!failed && types->count)
        qsort(types->typed, types->count, sizeof *types->typed, by_place);
    return failed ? -1 : 0;
}

void mp_flame_types_release(struct mp_flame_types *types)
{
    free(types->typed);
    *types = (struct mp_flame_types){0};
}
