#include "capture/heap/accounting/moment_slots.h"

enum { PART = 16 /* of a file are slots, at most */, LEAST = 2 };

/* Those that are listed of one kind, the oldest first. */
struct listed {
    unsigned count;
    uint8_t slots[MP_HEAP_SLOTS];
};

unsigned mp_moment_slots_most(const struct mp_heap *heap)
{
    unsigned each = heap->most / PART; /* a chunk is two of them */
    if (each < LEAST)
        each = LEAST;
    return each < MP_HEAP_SLOTS / 2 ? each : MP_HEAP_SLOTS / 2;
}

static uint32_t stamp_of(const struct mp_heap *heap, unsigned slot)
{
    return __atomic_load_n(&heap->moments[slot].stamp, __ATOMIC_RELAXED);
}

static unsigned count_of(const struct mp_heap *heap)
{
    uint64_t count = heap->header->counts[MP_HEAP_MOMENTS];
    return count < MP_HEAP_SLOTS ? (unsigned)count : MP_HEAP_SLOTS;
}

static void list_all(struct listed *listed, const struct mp_heap *heap, uint32_t flags)
{
    listed->count = 0;
    for (unsigned slot = 0; slot < count_of(heap); slot++) {
        uint32_t stamp = stamp_of(heap, slot);
        unsigned at = listed->count;
        if (!stamp || heap->moments[slot].flags != flags)
            continue;
        for (; at && stamp_of(heap, listed->slots[at - 1]) > stamp; at--)
            listed->slots[at] = listed->slots[at - 1];
        listed->slots[at] = (uint8_t)slot;
        listed->count++;
    }
}

static void give_back(struct mp_heap *heap, unsigned slot)
{
    __atomic_store_n(&heap->moments[slot].stamp, 0, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE); /* before anything else is written there */
}

/* The latest one stays. */
static bool halve(struct mp_heap *heap, const struct listed *listed)
{
    if (listed->count < LEAST)
        return false;
    for (unsigned i = listed->count % 2; i < listed->count; i += 2)
        give_back(heap, listed->slots[i]);
    heap->header->period *= 2;
    return true;
}

/* By a later one that is listed, or by the one that is to come. */
static bool is_superseded(const struct mp_heap *heap, const struct listed *listed,
                          unsigned number, const struct mp_heap_moment *next)
{
    const char *name = heap->moments[listed->slots[number]].name;
    for (unsigned i = number + 1; i < listed->count; i++)
        if (!strncmp(heap->moments[listed->slots[i]].name, name, MP_HEAP_MARK))
            return true;
    return !strncmp(next->name, name, MP_HEAP_MARK);
}

static bool forget_one(struct mp_heap *heap, const struct listed *listed,
                       const struct mp_heap_moment *next)
{
    for (unsigned i = 0; i < listed->count; i++) {
        if (!is_superseded(heap, listed, i, next))
            continue;
        give_back(heap, listed->slots[i]);
        return true;
    }
    return false;
}

static int free_slot(const struct mp_heap *heap)
{
    for (unsigned slot = 0; slot < count_of(heap); slot++)
        if (!stamp_of(heap, slot))
            return (int)slot;
    return -1;
}

/* One more, at the tables' ends. */
static int new_slot(struct mp_heap *heap, enum mp_heap_for share)
{
    struct mp_heap_header *header = heap->header;
    unsigned slot = count_of(heap);
    uint64_t entries = (uint64_t)(slot + 1) * MP_HEAP_SLOT;
    bool grows = entries > heap->room[MP_HEAP_ENTRIES] || !heap->room[MP_HEAP_MOMENTS];
    if (slot == MP_HEAP_SLOTS ||
        (grows && (mp_heap_reserve(heap, MP_HEAP_MOMENTS, 1, share) ||
                   mp_heap_reserve(heap, MP_HEAP_ENTRIES, MP_HEAP_SLOT, share))))
        return -1;
    __atomic_store_n(&header->counts[MP_HEAP_ENTRIES], entries, __ATOMIC_RELEASE);
    __atomic_store_n(&header->counts[MP_HEAP_MOMENTS], slot + 1, __ATOMIC_RELEASE);
    return (int)slot;
}

int mp_moment_slots_take(struct mp_heap *heap, unsigned most[2],
                         const struct mp_heap_moment *next)
{
    bool is_mark = next->flags & MP_HEAP_IS_MARK;
    struct listed listed;
    list_all(&listed, heap, next->flags);
    if (listed.count < most[is_mark]) {
        int slot = free_slot(heap);
        if (slot < 0)
            slot = new_slot(heap, is_mark ? MP_HEAP_FOR_PROGRAM : MP_HEAP_FOR_LIBRARY);
        if (slot >= 0)
            return slot;
        most[is_mark] = listed.count; /* the file has no more room */
    }
    bool found = is_mark ? forget_one(heap, &listed, next) : halve(heap, &listed);
    return found ? free_slot(heap) : -1;
}

void mp_moment_slots_list(struct mp_heap *heap, uint32_t slot,
                          const struct mp_heap_moment *moment, uint32_t stamp)
{
    struct mp_heap_moment *to = &heap->moments[slot];
    *to = *moment; /* without a stamp */
    __atomic_store_n(&to->stamp, stamp, __ATOMIC_RELEASE);
}
