#include "capture/hooks_native.h"

#include <string.h>

#include "capture/hooks_native_maps.h"
#include "capture/hooks_native_threads.h"
#include "capture/native_begin.h"
#include "capture/native_sink.h"
#include "capture/patch.h"
#include "capture/patch_dl.h"

static void *(*real_malloc)(size_t);
static void *(*real_calloc)(size_t, size_t);
static void *(*real_realloc)(void *, size_t);
static void *(*real_reallocarray)(void *, size_t, size_t);
static void *(*real_memalign)(size_t, size_t);
static void *(*real_aligned_alloc)(size_t, size_t);
static int (*real_posix_memalign)(void **, size_t, size_t);
static void *(*real_valloc)(size_t);
static void *(*real_pvalloc)(size_t);
static void (*real_free)(void *);
static void (*real_free_sized)(void *, size_t);
static void (*real_free_aligned_sized)(void *, size_t, size_t);

/* The end of a call that was begun. Alone a hook costs 3 ns: two loads, two stores, two calls. */
static inline void *told(void *address, size_t size)
{
    if (address)
        mp_native_sink_alloc(address, size);
    mp_native_end();
    return address;
}

static void *hook_malloc(size_t size)
{
    if (!mp_native_begin())
        return real_malloc(size);
    return told(real_malloc(size), size);
}

static void *hook_calloc(size_t count, size_t size)
{
    if (!mp_native_begin())
        return real_calloc(count, size);
    return told(real_calloc(count, size), count * size);
}

static void *hook_memalign(size_t alignment, size_t size)
{
    if (!mp_native_begin())
        return real_memalign(alignment, size);
    return told(real_memalign(alignment, size), size);
}

static void *hook_aligned_alloc(size_t alignment, size_t size)
{
    if (!mp_native_begin())
        return real_aligned_alloc(alignment, size);
    return told(real_aligned_alloc(alignment, size), size);
}

static int hook_posix_memalign(void **address, size_t alignment, size_t size)
{
    if (!mp_native_begin())
        return real_posix_memalign(address, alignment, size);
    int failed = real_posix_memalign(address, alignment, size);
    told(failed ? NULL : *address, size);
    return failed;
}

static void *hook_valloc(size_t size)
{
    if (!mp_native_begin())
        return real_valloc(size);
    return told(real_valloc(size), size);
}

static void *hook_pvalloc(size_t size)
{
    if (!mp_native_begin())
        return real_pvalloc(size);
    return told(real_pvalloc(size), size);
}

/* A realloc to nothing that gives NULL has freed the block; any other NULL has kept it. */
static void *settle(void *from, const struct mp_native_moving *moving, void *to,
                    size_t size)
{
    if (to || !size)
        mp_native_sink_moved((uintptr_t)from, moving, to, size);
    else
        mp_native_sink_put_back(from, moving);
    mp_native_end();
    return to;
}

static void *hook_realloc(void *from, size_t size)
{
    struct mp_native_moving moving;
    if (!mp_native_begin())
        return real_realloc(from, size);
    if (!from)
        return told(real_realloc(NULL, size), size);
    mp_native_sink_take(from, &moving);
    return settle(from, &moving, real_realloc(from, size), size);
}

static void *hook_reallocarray(void *from, size_t count, size_t size)
{
    struct mp_native_moving moving;
    size_t bytes;
    if (!mp_native_begin())
        return real_reallocarray(from, count, size);
    if (__builtin_mul_overflow(count, size, &bytes))
        bytes = SIZE_MAX; /* it fails, and is not a realloc to nothing */
    if (!from)
        return told(real_reallocarray(NULL, count, size), bytes);
    mp_native_sink_take(from, &moving);
    return settle(from, &moving, real_reallocarray(from, count, size), bytes);
}

/* Told first: then another thread may own the address. Whether to call end(). */
static inline bool tell_free(void *address)
{
    if (!address || !mp_native_begin())
        return false;
    mp_native_sink_free(address);
    return true;
}

static void hook_free(void *address)
{
    bool begun = tell_free(address);
    real_free(address);
    if (begun)
        mp_native_end();
}

static void hook_free_sized(void *address, size_t size)
{
    bool begun = tell_free(address);
    real_free_sized(address, size);
    if (begun)
        mp_native_end();
}

static void hook_free_aligned_sized(void *address, size_t alignment, size_t size)
{
    bool begun = tell_free(address);
    real_free_aligned_sized(address, alignment, size);
    if (begun)
        mp_native_end();
}

#define HOOK(name)                                        \
    {                                                     \
#name, (void *)hook_##name, (void **)&real_##name \
    }

static const struct mp_patch blocks[] = {
    HOOK(malloc),   HOOK(calloc),        HOOK(realloc),        HOOK(reallocarray),
    HOOK(memalign), HOOK(aligned_alloc), HOOK(posix_memalign), HOOK(valloc),
    HOOK(pvalloc),  HOOK(free),          HOOK(free_sized),     HOOK(free_aligned_sized),
};

enum { BLOCKS = sizeof blocks / sizeof *blocks };

static struct mp_patch *add(struct mp_patch *to, const struct mp_patch *from, size_t count)
{
    memcpy(to, from, count * sizeof *from);
    return to + count;
}

int mp_native_install(void)
{
    struct mp_patch all[BLOCKS + MP_NATIVE_MAPS + MP_PATCH_DL_COUNT + MP_NATIVE_THREADS];
    struct mp_patch *to = all;
    if (mp_native_maps_init())
        return -1;
    to = add(to, blocks, BLOCKS);
    to = add(to, mp_native_maps, MP_NATIVE_MAPS);
    to = add(to, mp_patch_dl, MP_PATCH_DL_COUNT);
    to = add(to, mp_native_threads, MP_NATIVE_THREADS);
    return mp_patch_install(all, (size_t)(to - all));
}
