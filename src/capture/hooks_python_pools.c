#include "capture/hooks_python_pools.h"

#include <errno.h>
#include <sys/mman.h>

#include "capture/hooks_python_recording.h"
#include "capture/pages.h"
#include "capture/throttle.h"

enum {
    MOST = 64,        /* stacks; those of more are the last one's */
    SELDOM = 2000000, /* ns between looks at least */
};

static struct {
    struct pool {
        uint32_t stack;
        int64_t resident, counted;
    } pools[MOST];
    int count;
    bool are_any;
    struct mp_throttle throttle;
} state;

void mp_pools_start(void)
{
    state.count = 0;
    state.are_any = false;
    state.throttle.next = 0;
}

void mp_pools_note_change(void)
{
    state.are_any = true;
}

static struct pool *pool_of(uint32_t stack)
{
    for (int i = 0; i < state.count; i++)
        if (state.pools[i].stack == stack)
            return &state.pools[i];
    if (state.count == MOST)
        return &state.pools[MOST - 1];
    state.pools[state.count] = (struct pool){.stack = stack};
    return &state.pools[state.count++];
}

/* Pages may be left in one that was closed to access, or emptied and used again. */
static void see(void *context, const struct mp_maps_node *node)
{
    (void)context;
    if (node->kind == MP_MAP_POOL)
        pool_of(node->stack)->resident +=
            mp_pages_all_resident(node->start, node->end - node->start);
}

void mp_pools_look_now(void)
{
    if (!state.are_any)
        return;
    int kept = errno;
    mp_maps_each(&mp_recording.maps, see, NULL);
    for (int i = 0; i < state.count; i++) {
        struct pool *pool = &state.pools[i];
        if (pool->resident != pool->counted)
            mp_ledger_map(&mp_recording.ledger, mp_recording_mine()->totals, pool->stack,
                          pool->resident - pool->counted);
        pool->counted = pool->resident;
        pool->resident = 0;
    }
    errno = kept;
}

void mp_pools_look(int64_t now)
{
    if (!state.are_any || now < state.throttle.next)
        return;
    mp_throttle_begin(&state.throttle);
    mp_pools_look_now();
    mp_throttle_end(&state.throttle, now, SELDOM);
}
