#include "capture/hooks_python_recording.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/hooks_native.h"
#include "capture/hooks_python.h"
#include "capture/hooks_python_balance.h"
#include "capture/hooks_python_pools.h"

struct mp_recording mp_recording;
struct mp_sieve mp_recording_sieve;

bool mp_hooks_are_open(void)
{
    return mp_recording.open && mp_recording_is_open();
}

/* What is kept of the calling thread, which has nothing yet in this session; NULL when the
   recording has ended. */
static struct mp_hooked *join(void)
{
    PyThreadState *thread;
    enum mp_turn_way way = mp_recording_enter(MP_LOCK_UNKNOWN, &thread);
    struct mp_hooked *mine = mp_recording_is_open() ? mp_recording_mine() : NULL;
    mp_recording_leave(way);
    return mine;
}

bool mp_recording_hits(size_t size)
{
    struct mp_hooked *own = mp_hooked_own;
    if (!own || own->session != mp_recording.session) {
        own = join();
        if (!own || mp_sample_passes(&own->sample, size))
            return false;
    }
    mp_sample_next(&own->sample, mp_recording.sample);
    return true;
}

void mp_recording_put_back(enum mp_lock lock, void *address, const struct mp_moving *moving)
{
    int kept = errno;
    const struct mp_block *block = &moving->block;
    struct mp_shadow *shadow = &mp_recording.ledger.shadow;
    enum mp_turn_way way = mp_recording_enter_quickly(lock);
    bool same = mp_recording_is_open() && moving->session == mp_recording.session;
    if (same && block->known)
        mp_shadow_put(shadow, (uintptr_t)address, block->size, block->stack);
    if (same && block->watched)
        mp_shadow_watch(shadow, (uintptr_t)address);
    mp_recording_leave(way);
    errno = kept;
}

/* Books that another thread was changing at the fork are left as they are. */
static void close_in_child(void)
{
    *mp_recording.open = 0;
    if (mp_recording.turn.owner_inside || mp_recording.turn.others)
        mp_recording.heap = NULL;
    mp_native_end();
    mp_turn_init(&mp_recording.turn);
    mp_hooked_forked();
}

/* Once per process. A child of clone(2) without the fork handlers finds the page empty. */
static int prepare(void)
{
    long page = sysconf(_SC_PAGESIZE);
    if (mp_recording.open)
        return 0;
    mp_turn_init(&mp_recording.turn);
    if (mp_hooked_init())
        return -1;
    void *flag = mmap(NULL, (size_t)page, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (flag == MAP_FAILED)
        return -1;
    madvise(flag, (size_t)page, MADV_WIPEONFORK);
    mp_recording.open = flag;
    return pthread_atfork(NULL, NULL, close_in_child) ? -1 : 0;
}

/* Bytes of a mapping that count, or no longer do. Shared libraries and files read through the page
   cache are no heap. */
static void tell_mapped(void *context, uint32_t stack, enum mp_map_kind kind, int64_t bytes)
{
    (void)context;
    if (kind == MP_MAP_POOL)
        mp_pools_note_change();
    else if (kind != MP_MAP_FILE)
        mp_ledger_map(&mp_recording.ledger, mp_recording_mine()->totals, stack, bytes);
}

static int open_books(struct mp_heap *into)
{
    struct mp_ledger *ledger = &mp_recording.ledger;
    if (mp_ledger_init(ledger, into, mp_recording.sample ? &mp_recording_sieve : NULL))
        return -1;
    if (!mp_walk_init(&mp_recording.walk, &ledger->stacks, &ledger->shadow)) {
        if (!mp_maps_init(&mp_recording.maps, tell_mapped, NULL))
            return 0;
        mp_walk_release(&mp_recording.walk);
    }
    mp_ledger_release(ledger);
    return -1;
}

static void close_books(void)
{
    mp_maps_release(&mp_recording.maps);
    mp_walk_release(&mp_recording.walk);
    mp_ledger_release(&mp_recording.ledger);
    mp_recording.heap = NULL;
}

int mp_hooks_start(struct mp_heap *into, bool native, uint64_t sample)
{
    if (prepare())
        return -1;
    if (mp_recording_is_open()) {
        errno = EBUSY;
        return -1;
    }
    if (mp_recording.heap)
        close_books(); /* a forked child's copies of its parent's */
    mp_recording.sample = sample;
    if (sample)
        memset(&mp_recording_sieve, 0, sizeof mp_recording_sieve);
    if ((native && mp_native_install()) || open_books(into))
        return -1;
    into->header->followed =
        1 << MP_HEAP_PYTHON | (native ? 1 << MP_HEAP_MALLOC | 1 << MP_HEAP_MMAP : 0);
    into->header->sample = sample;
    mp_recording.heap = into;
    mp_recording.home = PyThreadState_Get()->interp;
    mp_recording.may_be_several =
        PyInterpreterState_Next(PyInterpreterState_Head()) != NULL;
    mp_recording.owner = getpid();
    mp_recording.session++;
    mp_pools_start();
    mp_recording_balance_start();
    mp_hooks_install();
    __atomic_store_n(mp_recording.open, MP_OPEN | (native ? MP_OPEN_NATIVE : 0),
                     __ATOMIC_RELEASE);
    return 0;
}

/* The turn for more than a block. A signal handler that allocates meanwhile is not followed: it
   would wait for its own thread. */
static enum mp_turn_way hold(void)
{
    mp_native_mute();
    return mp_turn_enter_other(&mp_recording.turn);
}

static void let_go(enum mp_turn_way way)
{
    mp_recording_leave(way);
    mp_native_unmute();
}

void mp_hooks_stop(void)
{
    if (!mp_hooks_are_open() || mp_recording.owner != getpid())
        return;
    if (!mp_hooks_are_installed())
        mp_recording.heap->header->followed |= MP_HEAP_LOST;
    enum mp_turn_way way = hold();
    __atomic_store_n(mp_recording.open, 0, __ATOMIC_RELEASE);
    mp_recording.ledger.noted = NULL;
    mp_pools_look_now();
    mp_ledger_note_time(&mp_recording.ledger, true);
    mp_recording_leave(way); /* nobody else uses the books any more */
    mp_recording_balance_end();
    close_books();
    mp_native_unmute();
}

void mp_hooks_pause(void (*look)(void *), void *context)
{
    enum mp_turn_way way = hold();
    look(context);
    let_go(way);
}

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
    enum mp_turn_way way = mp_turn_enter(&mp_recording.turn);
    struct mp_block block = {0};
    if (mp_recording_is_open())
        block = mp_shadow_take(&mp_recording.ledger.shadow, (uintptr_t)address);
    if (block.known) {
        struct mp_hooked *mine = mp_recording_mine();
        mp_ledger_remove(&mp_recording.ledger, mine->totals, (uintptr_t)address, &block,
                         mp_recording_last(mine, address));
        mp_flow_disown(&mine->flow, block.size);
    }
    mp_recording_leave(way);
    mp_native_end();
}
