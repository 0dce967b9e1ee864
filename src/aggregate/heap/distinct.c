#include "aggregate/heap/distinct.h"

#include <stdlib.h>

#include "base/mix.h"

static uint32_t *slot_of(const struct mp_heap_distinct *distinct, struct mp_heap_text file)
{
    size_t at = (size_t)mp_mix(file.offset, file.length) & distinct->mask;
    for (; distinct->slots[at]; at = (at + 1) & distinct->mask) {
        struct mp_heap_text there = distinct->files[distinct->slots[at] - 1];
        if (there.offset == file.offset && there.length == file.length)
            break;
    }
    return &distinct->slots[at];
}

static uint32_t number_of(struct mp_heap_distinct *distinct, struct mp_heap_text file)
{
    uint32_t *slot = slot_of(distinct, file);
    if (!*slot) {
        distinct->files[distinct->count] = file;
        *slot = (uint32_t)++distinct->count;
    }
    return *slot - 1;
}

int mp_heap_distinct_init(struct mp_heap_distinct *distinct,
                          const struct mp_heap_view *view)
{
    size_t codes = view->counts[MP_HEAP_CODES], room = 16;
    while (room < codes * 2)
        room *= 2;
    *distinct =
        (struct mp_heap_distinct){.files = calloc(codes + 1, sizeof *distinct->files),
                                  .numbers = calloc(codes + 1, sizeof *distinct->numbers),
                                  .slots = calloc(room, sizeof *distinct->slots),
                                  .mask = room - 1};
    if (!distinct->files || !distinct->numbers || !distinct->slots)
        return -1;
    for (size_t i = 1; i < codes; i++)
        distinct->numbers[i] = number_of(distinct, view->codes[i].file);
    return 0;
}

void mp_heap_distinct_release(struct mp_heap_distinct *distinct)
{
    free(distinct->files);
    free(distinct->numbers);
    free(distinct->slots);
    *distinct = (struct mp_heap_distinct){0};
}

size_t mp_heap_distinct_find(const struct mp_heap_distinct *distinct,
                             struct mp_heap_text file)
{
    uint32_t found = *slot_of(distinct, file);
    return found ? found - 1 : distinct->count;
}
