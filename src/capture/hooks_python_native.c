/* What the native hooks tell goes into the capture that is being recorded. */
#include "capture/native_sink.h"

#include <string.h>

#include "capture/hooks_python_recording.h"

_Static_assert(sizeof(struct mp_moving) <= sizeof(struct mp_native_moving),
               "a moving block fits");

void mp_native_sink_alloc(void *address, size_t size)
{
    if (!mp_recording_is_native() || !mp_recording_wants(size))
        return;
    PyThreadState *thread;
    enum mp_turn_way way = mp_recording_enter(MP_LOCK_UNKNOWN, &thread);
    if (mp_recording_is_native()) {
        struct mp_hooked *mine = mp_recording_mine();
        int kept = *mine->error;
        mp_recording_note(mine, thread, MP_HEAP_MALLOC, address, size);
        *mine->error = kept;
    }
    mp_recording_leave(way);
}

void mp_native_sink_free(void *address)
{
    if (mp_recording_is_native())
        mp_recording_free(MP_LOCK_UNKNOWN, MP_HEAP_MALLOC, address);
}

void mp_native_sink_take(void *address, struct mp_native_moving *moving)
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

void mp_native_sink_put_back(void *address, const struct mp_native_moving *moving)
{
    struct mp_moving taken = moving_of(moving);
    if (mp_recording_is_native())
        mp_recording_put_back(MP_LOCK_UNKNOWN, address, &taken);
}

void mp_native_sink_moved(uintptr_t from, const struct mp_native_moving *moving, void *to,
                          size_t size)
{
    struct mp_moving taken = moving_of(moving);
    if (mp_recording_is_native())
        mp_recording_moved(MP_LOCK_UNKNOWN, MP_HEAP_MALLOC, (void *)from, &taken, to, size);
}

/* The mappings. A change that finds no memory for its interval is not counted. The time is noted
   before: whoever looks at the mappings then finds all of them. */

static bool enter(enum mp_turn_way *way, PyThreadState **thread)
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

static void leave(enum mp_turn_way way, int failed)
{
    if (failed)
        mp_recording.heap->header->untracked++;
    mp_recording_leave(way);
}

static uint32_t stack_of(PyThreadState *thread, size_t length)
{
    return mp_recording_stack(mp_recording_mine(), thread, MP_HEAP_MMAP, length);
}

void mp_native_sink_map(void *address, size_t length, enum mp_map_kind kind, int protection)
{
    enum mp_turn_way way;
    PyThreadState *thread;
    if (enter(&way, &thread))
        leave(way, mp_maps_map(&mp_recording.maps, (uintptr_t)address, length,
                               stack_of(thread, length), kind, protection));
}

void mp_native_sink_unmap(void *address, size_t length)
{
    enum mp_turn_way way;
    PyThreadState *thread;
    if (enter(&way, &thread))
        leave(way, mp_maps_unmap(&mp_recording.maps, (uintptr_t)address, length));
}

void mp_native_sink_protect(void *address, size_t length, int protection)
{
    enum mp_turn_way way;
    PyThreadState *thread;
    if (enter(&way, &thread))
        leave(way,
              mp_maps_protect(&mp_recording.maps, (uintptr_t)address, length, protection));
}

void mp_native_sink_dontneed(void *address, size_t length)
{
    enum mp_turn_way way;
    PyThreadState *thread;
    if (enter(&way, &thread))
        leave(way, mp_maps_dontneed(&mp_recording.maps, (uintptr_t)address, length));
}

void mp_native_sink_remap(const struct mp_maps_remap *remap)
{
    enum mp_turn_way way;
    PyThreadState *thread;
    struct mp_maps_remap whole = *remap;
    if (!enter(&way, &thread))
        return;
    whole.stack = stack_of(thread, remap->new_length);
    leave(way, mp_maps_remap(&mp_recording.maps, &whole));
}
