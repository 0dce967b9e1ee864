/* Texts by number: equal ones have the same, whichever capture they are from. */
#ifndef MP_AGGREGATE_HEAP_LEXICON_H
#define MP_AGGREGATE_HEAP_LEXICON_H

#include <stddef.h>
#include <stdint.h>

#include "base/slots.h"

struct mp_heap_lexicon {
    struct mp_heap_entry {
        const char *text; /* borrowed */
        size_t length;
    } * entries; /* owned */
    size_t count, room;
    struct mp_slots slots;
};

/* 0, or -1 with errno ENOMEM. The caller releases it either way. */
int mp_heap_lexicon_init(struct mp_heap_lexicon *);
void mp_heap_lexicon_release(struct mp_heap_lexicon *);

/* Its number + 1, a new one where it was not there; 0 with errno ENOMEM. */
uint32_t mp_heap_lexicon_find(struct mp_heap_lexicon *, const char *text, size_t length);

#endif
