/* Asks the C library for memory as a library would, and keeps the accounts itself: what the tests
 * compare a recorder's with. Loaded with ctypes. */
#include <stdint.h>
#include <stdlib.h>

enum { SLOTS = 4096, MOST = 4000 };

struct accounts {
    long total, calls, live, peak;
};

struct slot {
    void *block;
    long size;
};

static struct slot slots[SLOTS];

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    return *state ^= *state << 5;
}

static void note(struct accounts *accounts, struct slot *slot, void *block, long size)
{
    accounts->live += size - slot->size;
    accounts->total += size;
    accounts->calls++;
    accounts->peak = accounts->live > accounts->peak ? accounts->live : accounts->peak;
    *slot = (struct slot){block, size};
}

static void give(struct accounts *accounts, struct slot *slot)
{
    free(slot->block);
    accounts->live -= slot->size;
    *slot = (struct slot){0};
}

static void *ask(uint32_t how, struct slot *slot, long size)
{
    void *block = NULL;
    if (how == 0)
        return realloc(slot->block, (size_t)size);
    if (how == 1)
        return calloc(1, (size_t)size);
    if (how == 2)
        return posix_memalign(&block, 64, (size_t)size) ? NULL : block;
    return malloc((size_t)size);
}

/* So many calls of malloc, calloc, realloc and posix_memalign in turn, at any size; all is given
   back but what the last half left of the first quarter of the slots. */
void work(long calls, struct accounts *accounts)
{
    uint32_t random = 2463534242u;
    *accounts = (struct accounts){0};
    for (long i = 0; i < calls; i++) {
        struct slot *slot = &slots[next_random(&random) % SLOTS];
        uint32_t how = random >> 16 & 3;
        long size = next_random(&random) % MOST + 1;
        if (how)
            give(accounts, slot);
        note(accounts, slot, ask(how, slot, size), size);
    }
    for (int i = SLOTS / 4; i < SLOTS; i++)
        give(accounts, &slots[i]);
}
