#include "capture/heap/python/pools.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "capture/heap/accounting/throttle.h"
#include "capture/heap/python/recording.h"
#include "capture/process/pages.h"

enum {
    BITS = 10,
    MOST = 1 << BITS, /* stacks; those of more are another one's */
    SELDOM = 2000000, /* ns between looks at least */
    FAR_MORE = 8,     /* times what is given back: that took longer to be used */
};

static struct {
    struct pool {
        uint32_t stack;
        int64_t resident, counted;
        bool taken;
    } pools[MOST];
    uint16_t used[MOST]; /* places of `pools`, in the order in which they were taken */
    int count;
    bool are_any;
    int64_t bytes, reserved; /* of all of them */
    struct mp_throttle throttle;
} state;

void mp_pools_start(void)
{
    memset(state.pools, 0, sizeof state.pools);
    state.count = 0;
    __atomic_store_n(&state.are_any, false, __ATOMIC_RELAXED);
    state.bytes = state.reserved = 0;
    state.throttle.next = 0;
}

void mp_pools_note_change(void)
{
    __atomic_store_n(&state.are_any, true, __ATOMIC_RELAXED);
}

bool mp_pools_are_any(void)
{
    return __atomic_load_n(&state.are_any, __ATOMIC_RELAXED);
}

int64_t mp_pools_reserved(void)
{
    return state.reserved;
}

/* Found by its hash, or the next free place behind. */
static struct pool *pool_of(uint32_t stack)
{
    uint32_t place = stack * 0x9E3779B9u >> (32 - BITS);
    for (int far = 0; far < MOST; far++, place = (place + 1) % MOST) {
        struct pool *pool = &state.pools[place];
        if (pool->taken && pool->stack == stack)
            return pool;
        if (pool->taken)
            continue;
        state.used[state.count++] = (uint16_t)place;
        *pool = (struct pool){.stack = stack, .taken = true};
        return pool;
    }
    return &state.pools[place];
}

/* Pages may be left in one that was closed to access, or emptied and used again. */
static void see(void *context, const struct mp_maps_node *node)
{
    (void)context;
    if (node->kind != MP_MAP_POOL)
        return;
    int64_t bytes = (int64_t)(node->end - node->start);
    int64_t resident = mp_pages_all_resident(node->start, (size_t)bytes);
    pool_of(node->stack)->resident += resident;
    state.bytes += bytes;
    state.reserved += node->state == MP_MAP_COUNTS ? bytes - resident : 0;
}

void mp_pools_look_now(void)
{
    if (!state.are_any)
        return;
    int kept = errno;
    state.bytes = state.reserved = 0;
    mp_maps_each(&mp_recording.maps, see, NULL);
    for (int i = 0; i < state.count; i++) {
        struct pool *pool = &state.pools[state.used[i]];
        if (pool->resident != pool->counted)
            mp_ledger_map(&mp_recording.ledger, mp_recording_mine()->totals, pool->stack,
                          pool->resident - pool->counted);
        pool->counted = pool->resident;
        pool->resident = 0;
    }
    errno = kept;
}

bool mp_pools_look_before(size_t bytes)
{
    if (state.bytes / FAR_MORE > (int64_t)bytes)
        return false;
    mp_pools_look_now();
    return true;
}

void mp_pools_look(int64_t now)
{
    if (!state.are_any || now < state.throttle.next)
        return;
    mp_throttle_begin(&state.throttle);
    mp_pools_look_now();
    mp_throttle_end(&state.throttle, now, SELDOM);
}
