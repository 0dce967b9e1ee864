#include "aggregate/heap/censuses.h"

#include <stdlib.h>

/* As if the view had been asked for that moment. */
static struct mp_heap_typing typing_at(const struct mp_heap_view *view,
                                       const struct mp_heap_instant *instant)
{
    const struct mp_heap_range range = {.is_at = true, .to = *instant};
    struct mp_heap_view then = *view;
    if (instant->when == MP_HEAP_WHEN_END)
        return mp_heap_typing_of(view);
    then.range = &range;
    return mp_heap_typing_at(&then);
}

/* Its number, made where there is none. -1 with errno ENOMEM. */
static int number_of(struct mp_heap_censuses *censuses, const struct mp_heap_typing *typing)
{
    size_t at = 0;
    while (at < censuses->count && censuses->counted[at].typing.rows != typing->rows)
        at++;
    if (at < censuses->count)
        return (int)at;
    struct mp_heap_counted *counted = &censuses->counted[censuses->count++];
    counted->typing = *typing;
    return mp_heap_type_rows_init(&counted->rows, typing, NULL) ? -1 : (int)at;
}

int mp_heap_censuses_init(struct mp_heap_censuses *censuses,
                          const struct mp_heap_view *view,
                          const struct mp_heap_instant *instants, size_t count)
{
    *censuses =
        (struct mp_heap_censuses){.counted = calloc(count + 1, sizeof *censuses->counted)};
    if (!censuses->counted)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct mp_heap_typing typing = typing_at(view, &instants[i]);
        censuses->at[i] = -1;
        if (typing.row_count && (censuses->at[i] = number_of(censuses, &typing)) < 0)
            return -1;
    }
    return 0;
}

void mp_heap_censuses_release(struct mp_heap_censuses *censuses)
{
    for (size_t i = 0; i < censuses->count; i++)
        mp_heap_type_rows_release(&censuses->counted[i].rows);
    free(censuses->counted);
    *censuses = (struct mp_heap_censuses){0};
}
