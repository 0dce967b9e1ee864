#include "capture/heap/native/hooks.h"

#include <string.h>

#include "capture/heap/native/begin.h"
#include "capture/heap/native/hooks_maps.h"
#include "capture/heap/native/hooks_new.h"
#include "capture/heap/native/hooks_signals.h"
#include "capture/heap/native/hooks_threads.h"
#include "capture/heap/native/patch.h"
#include "capture/heap/native/patch_dl.h"

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
static inline void *reported(void *address, size_t size)
{
    if (address)
        mp_native_sink.alloc(address, size);
    mp_native_end();
    return address;
}

static void *hook_malloc(size_t size)
{
    if (!mp_native_begin())
        return real_malloc(size);
    return reported(real_malloc(size), size);
}

static void *hook_calloc(size_t count, size_t size)
{
    if (!mp_native_begin())
        return real_calloc(count, size);
    return reported(real_calloc(count, size), count * size);
}

static void *hook_memalign(size_t alignment, size_t size)
{
    if (!mp_native_begin())
        return real_memalign(alignment, size);
    return reported(real_memalign(alignment, size), size);
}

static void *hook_aligned_alloc(size_t alignment, size_t size)
{
    if (!mp_native_begin())
        return real_aligned_alloc(alignment, size);
    return reported(real_aligned_alloc(alignment, size), size);
}

static int hook_posix_memalign(void **address, size_t alignment, size_t size)
{
    if (!mp_native_begin())
        return real_posix_memalign(address, alignment, size);
    int failed = real_posix_memalign(address, alignment, size);
    reported(failed ? NULL : *address, size);
    return failed;
}

static void *hook_valloc(size_t size)
{
    if (!mp_native_begin())
        return real_valloc(size);
    return reported(real_valloc(size), size);
}

static void *hook_pvalloc(size_t size)
{
    if (!mp_native_begin())
        return real_pvalloc(size);
    return reported(real_pvalloc(size), size);
}

/* A realloc to nothing that gives NULL has freed the block; any other NULL has kept it. */
static void *settle(void *from, const struct mp_native_moving *moving, void *to,
                    size_t size)
{
    if (to || !size)
        mp_native_sink.moved((uintptr_t)from, moving, to, size);
    else
        mp_native_sink.put_back(from, moving);
    mp_native_end();
    return to;
}

static void *hook_realloc(void *from, size_t size)
{
    struct mp_native_moving moving;
    if (!mp_native_begin())
        return real_realloc(from, size);
    if (!from)
        return reported(real_realloc(NULL, size), size);
    mp_native_sink.take(from, &moving);
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
        return reported(real_reallocarray(NULL, count, size), bytes);
    mp_native_sink.take(from, &moving);
    return settle(from, &moving, real_reallocarray(from, count, size), bytes);
}

/* What is left to do behind a free. */
enum behind { NOTHING, END, REPORT };

/* Reported first: then another thread may own the address. */
static inline enum behind report_free(void *address)
{
    if (!address || !mp_native_begin())
        return NOTHING;
    return mp_native_sink.free(address) ? REPORT : END;
}

static inline void end_free(enum behind left)
{
    if (__builtin_expect(left == REPORT, 0))
        mp_native_sink.freed();
    if (left)
        mp_native_end();
}

static void hook_free(void *address)
{
    enum behind left = report_free(address);
    real_free(address);
    end_free(left);
}

static void hook_free_sized(void *address, size_t size)
{
    enum behind left = report_free(address);
    real_free_sized(address, size);
    end_free(left);
}

static void hook_free_aligned_sized(void *address, size_t alignment, size_t size)
{
    enum behind left = report_free(address);
    real_free_aligned_sized(address, alignment, size);
    end_free(left);
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

int mp_native_install(const struct mp_native_sink *sink)
{
    struct mp_patch all[BLOCKS + MP_NATIVE_MAPS + MP_PATCH_DL_COUNT + MP_NATIVE_THREADS +
                        MP_NATIVE_NEW + MP_NATIVE_SIGNALS];
    struct mp_patch *to = all;
    if (mp_native_maps_init())
        return -1;
    if (!mp_native_sink.alloc)
        mp_native_sink = *sink;
    to = add(to, blocks, BLOCKS);
    to = add(to, mp_native_maps, MP_NATIVE_MAPS);
    to = add(to, mp_patch_dl, MP_PATCH_DL_COUNT);
    to = add(to, mp_native_threads, MP_NATIVE_THREADS);
    to = add(to, mp_native_new, MP_NATIVE_NEW);
    to = add(to, mp_native_signals, MP_NATIVE_SIGNALS);
    return mp_patch_install(all, (size_t)(to - all));
}
