#include "base/slots.h"

#include <stdlib.h>

static int make(struct mp_slots *slots, size_t room)
{
    *slots = (struct mp_slots){calloc(room, sizeof *slots->slots), room - 1, 0};
    return slots->slots ? 0 : -1;
}

int mp_slots_init(struct mp_slots *slots, size_t most)
{
    size_t room = 16;
    while (room < most * 2)
        room *= 2;
    return make(slots, room);
}

void mp_slots_release(struct mp_slots *slots)
{
    free(slots->slots);
    *slots = (struct mp_slots){0};
}

static void insert(struct mp_slots *slots, uint64_t slot)
{
    size_t at = (size_t)(slot >> 32) & slots->mask;
    while (slots->slots[at])
        at = (at + 1) & slots->mask;
    slots->slots[at] = slot;
    slots->count++;
}

static int grow(struct mp_slots *slots)
{
    struct mp_slots before = *slots;
    if (make(slots, (before.mask + 1) * 2)) {
        *slots = before;
        return -1;
    }
    for (size_t i = 0; i <= before.mask; i++)
        if (before.slots[i])
            insert(slots, before.slots[i]);
    free(before.slots);
    return 0;
}

int mp_slots_put(const struct mp_slots_at *at, struct mp_slots *slots, uint32_t number)
{
    uint64_t slot = (uint64_t)at->hash << 32 | number;
    bool is_full = slots->count * 2 > slots->mask;
    if (is_full && grow(slots))
        return -1;
    if (is_full) {
        insert(slots, slot);
    } else {
        slots->slots[at->slot] = slot;
        slots->count++;
    }
    return 0;
}
