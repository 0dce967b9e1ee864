/* The native hooks in a Python process, with a sink that watches blocks of one odd size. Loaded
 * with ctypes. Built without the sources (-DPLUGIN) it is an object that allocates. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#ifdef PLUGIN

static void *constructed;

__attribute__((constructor)) static void construct(void)
{
    constructed = malloc(1);
}

void allocate(long size)
{
    void *volatile block = malloc((size_t)size);
    free(block);
}

#else

#include "capture/heap/native/hooks.h"
#include "capture/heap/native/state.h"
#include "../../c/heap/native/local_sink.h"

enum { MOST = 256 };

static long watched, allocs, frees, everything, created;
static void *live[MOST];
static struct mp_maps maps;
static long mapped;

static void put(void *address)
{
    for (int i = 0; i < MOST; i++) {
        void *none = NULL;
        if (__atomic_compare_exchange_n(&live[i], &none, address, 0, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE))
            return;
    }
}

static int take(const void *address)
{
    for (int i = 0; i < MOST; i++)
        if (__atomic_load_n(&live[i], __ATOMIC_ACQUIRE) == address) {
            __atomic_store_n(&live[i], NULL, __ATOMIC_RELEASE);
            return 1;
        }
    return 0;
}

static void report_alloc(void *address, size_t size)
{
    __atomic_fetch_add(&everything, 1, __ATOMIC_RELAXED);
    if ((long)size != __atomic_load_n(&watched, __ATOMIC_RELAXED))
        return;
    put(address);
    __atomic_fetch_add(&allocs, 1, __ATOMIC_RELAXED);
}

static bool report_free(void *address)
{
    if (take(address))
        __atomic_fetch_add(&frees, 1, __ATOMIC_RELAXED);
    return false;
}

static void tell_freed(void) {}

static void tell_take(void *address, struct mp_native_moving *moving)
{
    moving->words[0] = (uint64_t)take(address);
}

static void tell_put_back(void *address, const struct mp_native_moving *moving)
{
    if (moving->words[0])
        put(address);
}

static void tell_moved(uintptr_t from, const struct mp_native_moving *moving, void *to,
                          size_t size)
{
    (void)from;
    __atomic_fetch_add(&frees, (long)moving->words[0], __ATOMIC_RELAXED);
    if (to)
        report_alloc(to, size);
}

static void note(void *context, uint32_t stack, enum mp_map_kind kind, int64_t bytes)
{
    (void)context, (void)stack;
    if (kind != MP_MAP_FILE)
        mapped += bytes;
}

static void tell_map(void *address, size_t length, enum mp_map_kind kind, int protection)
{
    mp_maps_map(&maps, (uintptr_t)address, length, 1, kind, protection);
}

static void tell_unmap(void *address, size_t length)
{
    mp_maps_unmap(&maps, (uintptr_t)address, length);
}

static void tell_protect(void *address, size_t length, int protection)
{
    mp_maps_protect(&maps, (uintptr_t)address, length, protection);
}

static void tell_leave(void *address, size_t length)
{
    (void)address;
    (void)length;
}

static void tell_dontneed(void *address, size_t length)
{
    mp_maps_dontneed(&maps, (uintptr_t)address, length);
}

static void tell_remap(const struct mp_maps_remap *remap)
{
    mp_maps_remap(&maps, remap);
}

static void tell_create(struct mp_native_creation *creation)
{
    creation->session = 1;
    __atomic_fetch_add(&created, 1, __ATOMIC_RELAXED);
}

long seen_created(void)
{
    return created;
}

/* 0, or the reason why not. */
int start(void)
{
    if (mp_maps_init(&maps, note, NULL) || mp_native_install(&local_sink))
        return errno;
    return 0;
}

void watch(long size)
{
    watched = size;
    allocs = frees = 0;
}

long seen_allocs(void)
{
    return allocs;
}

long seen_frees(void)
{
    return frees;
}

long seen_mapped(void)
{
    return mapped;
}

long seen_ever(void)
{
    return everything;
}

#ifdef PROGRAM
int main(void)
{
    return start();
}
#endif

#endif
