#include "aggregate/heap/lexicon.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/mix.h"

int mp_heap_lexicon_init(struct mp_heap_lexicon *lexicon)
{
    *lexicon = (struct mp_heap_lexicon){0};
    return mp_slots_init(&lexicon->slots, 0);
}

void mp_heap_lexicon_release(struct mp_heap_lexicon *lexicon)
{
    free(lexicon->entries);
    mp_slots_release(&lexicon->slots);
    *lexicon = (struct mp_heap_lexicon){0};
}

uint32_t mp_heap_lexicon_find(struct mp_heap_lexicon *lexicon, const char *text,
                              size_t length)
{
    struct mp_slots_at at;
    for (mp_slots_begin(&at, &lexicon->slots, mp_mix_bytes(text, length));
         mp_slots_next(&at, &lexicon->slots);) {
        const struct mp_heap_entry *there = &lexicon->entries[at.number - 1];
        if (there->length == length && !memcmp(there->text, text, length))
            return at.number;
    }
    if (mp_array_reserve((void **)&lexicon->entries, &lexicon->room, lexicon->count + 1,
                         sizeof *lexicon->entries) ||
        mp_slots_put(&at, &lexicon->slots, (uint32_t)lexicon->count + 1))
        return 0;
    lexicon->entries[lexicon->count] = (struct mp_heap_entry){text, length};
    return (uint32_t)++lexicon->count;
}
