#include "capture/heap/python/native.h"

#include <string.h>

#include "capture/heap/python/pools.h"
#include "capture/heap/python/recording.h"

_Static_assert(sizeof(struct mp_moving) <= sizeof(struct mp_native_moving),
               "a moving block fits");

static void report_alloc(void *address, size_t size)
{
    if (!mp_recording_is_native() || !mp_recording_should_record(size))
        return;
    PyThreadState *thread;
    enum mp_biased_lock_way way = mp_recording_enter(MP_LOCK_UNKNOWN, &thread);
    if (mp_recording_is_native()) {
        struct mp_hooked *mine = mp_recording_mine();
        int kept = *mine->error;
        mp_recording_note(mine, thread, MP_HEAP_MALLOC, address, size, MP_SHADOW_ANYWHERE);
        *mine->error = kept;
    }
    mp_recording_leave(way);
}

static bool report_free(void *address)
{
    if (!mp_recording_is_native())
        return false;
    mp_recording_free(MP_LOCK_UNKNOWN, MP_HEAP_MALLOC, address);
    return mp_recording_owes();
}

static void tell_freed(void)
{
    if (mp_recording_is_native())
        mp_recording_settle(MP_LOCK_UNKNOWN);
}

static void take(void *address, struct mp_native_moving *moving)
{
    struct mp_moving taken = {0};
    if (mp_recording_is_native())
        taken = mp_recording_take(MP_LOCK_UNKNOWN, address);
    memcpy(moving, &taken, sizeof taken);
}

static struct mp_moving moving_of(const struct mp_native_moving *moving)
{
    struct mp_moving taken;
    memcpy(&taken, moving, sizeof taken);
    return taken;
}

static void put_back(void *address, const struct mp_native_moving *moving)
{
    struct mp_moving taken = moving_of(moving);
    if (mp_recording_is_native())
        mp_recording_put_back(MP_LOCK_UNKNOWN, address, &taken);
}

static void tell_moved(uintptr_t from, const struct mp_native_moving *moving, void *to,
                       size_t size)
{
    struct mp_moving taken = moving_of(moving);
    if (mp_recording_is_native())
        mp_recording_moved(MP_LOCK_UNKNOWN, MP_HEAP_MALLOC, (void *)from, &taken,
                           to && mp_recording_should_record(size) ? to : NULL, size,
                           MP_SHADOW_ANYWHERE);
}

/* The mappings. A change that finds no memory for its interval is not counted. The time is noted
   before: whoever looks at the mappings then finds all of them. */

static bool enter(enum mp_biased_lock_way *way, PyThreadState **thread)
{
    if (!mp_recording_is_native())
        return false;
    *way = mp_recording_enter(MP_LOCK_UNKNOWN, thread);
    if (mp_recording_is_native()) {
        mp_ledger_note_time(&mp_recording.ledger, false);
        return true;
    }
    mp_recording_leave(*way);
    return false;
}

static void leave(enum mp_biased_lock_way way, int failed)
{
    if (failed)
        mp_recording.heap->header->untracked++;
    mp_recording_note_change();
    mp_recording_leave(way);
}

static uint32_t stack_of(PyThreadState *thread, size_t length, enum mp_map_kind kind)
{
    return mp_recording_stack(mp_recording_mine(), thread,
                              kind == MP_MAP_POOL ? MP_HEAP_POOL : MP_HEAP_MMAP, length);
}

static void tell_map(void *address, size_t length, enum mp_map_kind kind, int protection)
{
    enum mp_biased_lock_way way;
    PyThreadState *thread;
    if (enter(&way, &thread))
        leave(way, mp_maps_map(&mp_recording.maps, (uintptr_t)address, length,
                               stack_of(thread, length, kind), kind, protection));
}

/* The last moment at which the pages can be counted that were used of a large mapping. */
static void tell_leave(void *address, size_t length)
{
    enum mp_biased_lock_way way;
    PyThreadState *thread;
    if (!mp_pools_are_any() || !enter(&way, &thread))
        return;
    const struct mp_maps_node *node = mp_maps_at(&mp_recording.maps, (uintptr_t)address);
    if (node->kind == MP_MAP_POOL && mp_pools_look_before(length))
        mp_ledger_note_time(&mp_recording.ledger, false);
    mp_recording_leave(way);
}

static void tell_unmap(void *address, size_t length)
{
    enum mp_biased_lock_way way;
    PyThreadState *thread;
    if (enter(&way, &thread))
        leave(way, mp_maps_unmap(&mp_recording.maps, (uintptr_t)address, length));
}

static void tell_protect(void *address, size_t length, int protection)
{
    enum mp_biased_lock_way way;
    PyThreadState *thread;
    if (enter(&way, &thread))
        leave(way,
              mp_maps_protect(&mp_recording.maps, (uintptr_t)address, length, protection));
}

static void tell_dontneed(void *address, size_t length)
{
    enum mp_biased_lock_way way;
    PyThreadState *thread;
    if (enter(&way, &thread))
        leave(way, mp_maps_dontneed(&mp_recording.maps, (uintptr_t)address, length));
}

static void tell_remap(const struct mp_maps_remap *remap)
{
    enum mp_biased_lock_way way;
    PyThreadState *thread;
    struct mp_maps_remap whole = *remap;
    if (!enter(&way, &thread))
        return;
    enum mp_map_kind kind = mp_maps_at(&mp_recording.maps, remap->old)->kind;
    whole.stack = stack_of(thread, remap->new_length, kind);
    leave(way, mp_maps_remap(&mp_recording.maps, &whole));
}

static void tell_create(struct mp_native_creation *creation)
{
    if (!mp_recording_is_native())
        return;
    PyThreadState *thread;
    enum mp_biased_lock_way way = mp_recording_enter(MP_LOCK_UNKNOWN, &thread);
    if (mp_recording_is_native()) {
        struct mp_hooked *mine = mp_recording_mine();
        creation->stack = mp_recording_where(mine, thread);
        creation->session = mp_recording.session;
        if (!creation->stack)
            creation->stack = mp_recording_label(mine, MP_HEAP_PYTHON);
    }
    mp_recording_leave(way);
}

const struct mp_native_sink mp_recording_sink = {
    .alloc = report_alloc,
    .free = report_free,
    .freed = tell_freed,
    .take = take,
    .put_back = put_back,
    .moved = tell_moved,
    .map = tell_map,
    .leave = tell_leave,
    .unmap = tell_unmap,
    .protect = tell_protect,
    .dontneed = tell_dontneed,
    .remap = tell_remap,
    .create = tell_create,
};
