#include "capture/heap/python/lines.h"

#include "capture/heap/python/recording.h"
#include "capture/heap/python/session.h"

static struct mp_hooked *own(void)
{
    return mp_recording.open ? mp_hooked_ask() : NULL;
}

struct mp_flow *mp_hooks_flow(void)
{
    struct mp_hooked *mine = mp_recording.sample ? NULL : own();
    return mine ? &mine->flow : NULL;
}

bool mp_hooks_set_aside(bool aside)
{
    struct mp_hooked *mine = own();
    if (!mine)
        return false;
    bool was = mine->aside;
    mine->aside = aside;
    return was;
}

void mp_hooks_disown(void *address)
{
    if (!address || !mp_hooks_are_open() || !mp_native_begin())
        return;
    enum mp_biased_lock_way way = mp_biased_lock_enter(&mp_recording.lock);
    struct mp_block block = {0};
    if (mp_recording_is_open())
        block = mp_shadow_take(&mp_recording.ledger.shadow, (uintptr_t)address);
    if (block.known) {
        struct mp_hooked *mine = mp_recording_mine();
        mp_ledger_remove(&mp_recording.ledger, mine->totals, (uintptr_t)address, &block,
                         mp_recording_last(mine, address));
        mp_flow_disown(&mine->flow, block.size);
        mp_recording_note_change();
    }
    mp_recording_leave(way);
    mp_native_end();
}
