#include "model.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/heap/native/hooks.h"
#include "capture/heap/native/maps.h"
#include "local_sink.h"

enum { ROOM = 1 << 20 };

static struct {
    uintptr_t address; /* 0: never used, 1: used and free again */
    size_t size;
} * blocks;

static int taken;
static long mistakes, live;
static struct mp_maps maps;
static int64_t mapped;

__thread struct tally model_tally __attribute__((tls_model("initial-exec")));

static void lock(void)
{
    while (__atomic_exchange_n(&taken, 1, __ATOMIC_ACQUIRE))
        sched_yield();
}

static void unlock(void)
{
    __atomic_store_n(&taken, 0, __ATOMIC_RELEASE);
}

static size_t find(uintptr_t address)
{
    size_t at = (address >> 4) * 0x9E3779B97F4A7C15u >> 44;
    while (blocks[at].address && blocks[at].address != address)
        at = (at + 1) % ROOM;
    return at;
}

static void note_maps(void *context, uint32_t stack, enum mp_map_kind kind, int64_t bytes)
{
    (void)context, (void)stack, (void)kind;
    mapped += bytes;
}

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
enum { IS_SANITIZED = 1 };
#else
enum { IS_SANITIZED = 0 };
#endif

void model_start(void)
{
    blocks = mmap(NULL, ROOM * sizeof *blocks, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (blocks == MAP_FAILED || mp_maps_init(&maps, note_maps, NULL))
        abort();
    int failed = mp_native_install(&local_sink);
    if (!failed != !IS_SANITIZED || (failed && errno != ENOTSUP))
        abort();
    if (failed) {
        puts("skipped: a sanitizer owns the allocator, and the hooks were refused");
        exit(77);
    }
}

void model_restart(void)
{
    if (mp_native_install(&local_sink))
        abort();
}

struct tally model_since(const struct tally *before)
{
    struct tally since = model_tally;
    long *sum = (long *)&since;
    for (size_t i = 0; i < sizeof since / sizeof *sum; i++)
        sum[i] -= ((const long *)before)[i];
    since.last = model_tally.last;
    return since;
}

/* Mappings that another thread was noting at the fork are half noted: as in the recorder, a child
   begins anew. */
void model_forked(void)
{
    unlock();
    if (mp_maps_init(&maps, note_maps, NULL))
        abort();
}

long model_mistakes(void)
{
    return __atomic_load_n(&mistakes, __ATOMIC_RELAXED);
}

long model_live(void)
{
    return __atomic_load_n(&live, __ATOMIC_RELAXED);
}

long model_size(const void *address)
{
    lock();
    size_t at = find((uintptr_t)address);
    long size = blocks[at].address ? (long)blocks[at].size : -1;
    unlock();
    return size;
}

/* Slots of freed blocks stay theirs: addresses come back, and the table is large. */
static void report_alloc(void *address, size_t size)
{
    lock();
    size_t at = find((uintptr_t)address);
    mistakes += blocks[at].address && blocks[at].size != SIZE_MAX;
    blocks[at].address = (uintptr_t)address;
    blocks[at].size = size;
    live++;
    unlock();
    model_tally.allocs++;
    model_tally.bytes += (long)size;
    model_tally.last = size;
}

static size_t take(uintptr_t address)
{
    lock();
    size_t at = find(address);
    size_t size = blocks[at].address ? blocks[at].size : SIZE_MAX;
    if (size != SIZE_MAX) {
        blocks[at].size = SIZE_MAX;
        live--;
    }
    unlock();
    return size;
}

static void note_free(size_t size)
{
    if (size == SIZE_MAX) {
        model_tally.unknown++;
        return;
    }
    model_tally.frees++;
    model_tally.freed += (long)size;
}

static bool report_free(void *address)
{
    note_free(take((uintptr_t)address));
    return false;
}

static void tell_freed(void) {}

static void tell_take(void *address, struct mp_native_moving *moving)
{
    moving->words[0] = take((uintptr_t)address);
}

static void tell_put_back(void *address, const struct mp_native_moving *moving)
{
    struct tally before = model_tally;
    if (moving->words[0] != SIZE_MAX)
        report_alloc(address, moving->words[0]);
    model_tally = before;
    model_tally.put_back++;
}

static void tell_moved(uintptr_t from, const struct mp_native_moving *moving, void *to,
                       size_t size)
{
    (void)from;
    note_free(moving->words[0]);
    if (to)
        report_alloc(to, size);
}

static void tell_map(void *address, size_t length, enum mp_map_kind kind, int protection)
{
    mp_maps_map(&maps, (uintptr_t)address, length, 1, kind, protection);
    model_tally.maps++;
    model_tally.mapped = mapped;
}

static void tell_unmap(void *address, size_t length)
{
    mp_maps_unmap(&maps, (uintptr_t)address, length);
    model_tally.unmaps++;
    model_tally.mapped = mapped;
}

static void tell_protect(void *address, size_t length, int protection)
{
    mp_maps_protect(&maps, (uintptr_t)address, length, protection);
    model_tally.protects++;
    model_tally.mapped = mapped;
}

static void tell_leave(void *address, size_t length)
{
    (void)address;
    (void)length;
}

static void tell_dontneed(void *address, size_t length)
{
    mp_maps_dontneed(&maps, (uintptr_t)address, length);
    model_tally.dontneeds++;
    model_tally.mapped = mapped;
}

static void tell_remap(const struct mp_maps_remap *remap)
{
    struct mp_maps_remap charged = *remap;
    charged.stack = 1;
    mp_maps_remap(&maps, &charged);
    model_tally.remaps++;
    model_tally.mapped = mapped;
}

static void tell_create(struct mp_native_creation *creation)
{
    mistakes += creation->stack || creation->session;
    *creation = (struct mp_native_creation){.stack = (uint32_t)gettid(), .session = 1};
    model_tally.creates++;
}
