#include "capture/heap/python/session.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/heap/frames/holding.h"
#include "capture/heap/native/hooks.h"
#include "capture/heap/python/arenas.h"
#include "capture/heap/python/balance.h"
#include "capture/heap/python/hooks.h"
#include "capture/heap/python/native.h"
#include "capture/heap/python/pools.h"
#include "capture/heap/python/recording.h"

bool mp_hooks_are_open(void)
{
    return mp_recording.open && (mp_recording_is_open() ||
                                 (mp_recording.heap && mp_recording.owner == getpid()));
}

/* The tables were lost: nobody writes to them from here on. In a signal handler, maybe in a hook,
   with the biased lock. */
static void note_cut(struct mp_heap *heap)
{
    if (heap == mp_recording.heap)
        __atomic_store_n(mp_recording.open, 0, __ATOMIC_RELEASE);
}

/* Books that another thread was changing at the fork are left as they are. */
static void close_in_child(void)
{
    *mp_recording.open = 0;
    if (mp_recording.lock.owner_inside || mp_recording.lock.others)
        mp_recording.heap = NULL;
    mp_native_end();
    mp_biased_lock_init(&mp_recording.lock);
    mp_hooked_forked();
}

/* Once per process. A child of clone(2) without the fork handlers finds the page empty. */
static int prepare(void)
{
    long page = sysconf(_SC_PAGESIZE);
    if (mp_recording.open)
        return 0;
    mp_biased_lock_init(&mp_recording.lock);
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
static void report_mapped(void *context, uint32_t stack, enum mp_map_kind kind,
                          int64_t bytes)
{
    (void)context;
    if (kind == MP_MAP_POOL)
        mp_pools_note_change();
    else if (kind != MP_MAP_FILE)
        mp_ledger_map(&mp_recording.ledger, mp_recording_mine()->totals, stack, bytes);
}

static int open_accounts(struct mp_heap *into)
{
    struct mp_ledger *ledger = &mp_recording.ledger;
    if (mp_ledger_init(ledger, into, mp_recording.sample ? &mp_recording_filter : NULL))
        return -1;
    if (!mp_walk_init(&mp_recording.walk, &ledger->stacks, &ledger->shadow)) {
        if (!mp_maps_init(&mp_recording.maps, report_mapped, NULL))
            return 0;
        mp_walk_release(&mp_recording.walk);
    }
    mp_ledger_release(ledger);
    return -1;
}

static void close_accounts(void)
{
    mp_maps_release(&mp_recording.maps);
    mp_walk_release(&mp_recording.walk);
    mp_ledger_release(&mp_recording.ledger);
    mp_recording.heap = NULL;
}

/* Scalene's library puts its allocator once more before whichever is there when its profile begins. Before
   ours, which is before it, calls would go round between the two until the stack ends. */
static bool is_scalenes(void)
{
    return dlsym(RTLD_DEFAULT, "scalene_reinstall_local_allocators") != NULL;
}

int mp_hooks_start(struct mp_heap *into, bool native, uint64_t sample)
{
    if (is_scalenes()) {
        errno = ENOTSUP;
        return -1;
    }
    if (prepare())
        return -1;
    if (mp_hooks_are_open()) {
        errno = EBUSY;
        return -1;
    }
    if (mp_recording.heap)
        close_accounts(); /* a forked child's copies of its parent's */
    mp_recording.sample = sample;
    mp_recording.may_rest = mp_recording.rests = false;
    if (sample)
        memset(&mp_recording_filter, 0, sizeof mp_recording_filter);
    if ((native && mp_native_install(&mp_recording_sink)) || open_accounts(into))
        return -1;
    into->header->followed =
        1 << MP_HEAP_PYTHON | (native ? 1 << MP_HEAP_MALLOC | 1 << MP_HEAP_MMAP : 0);
    into->header->sample = sample;
    mp_recording.heap = into;
    into->cut = note_cut;
    mp_holding_find();
    mp_recording.home = PyThreadState_Get()->interp;
    mp_recording.may_be_several =
        PyInterpreterState_Next(PyInterpreterState_Head()) != NULL;
    mp_recording.owner = getpid();
    mp_recording.session++;
    mp_hooked_end_skipping();
    mp_recording_look_if_usual();
    mp_pools_start();
    mp_arenas_follow(mp_hooks_end_fast_path, mp_recording_leave_arena);
    mp_recording_balance_start();
    mp_hooks_install();
    __atomic_store_n(mp_recording.open, MP_OPEN | (native ? MP_OPEN_NATIVE : 0),
                     __ATOMIC_RELEASE);
    return 0;
}

/* The biased lock for more than a block. A signal handler that allocates meanwhile is not followed: it
   would wait for its own thread. */
static enum mp_biased_lock_way hold(void)
{
    mp_native_mute();
    return mp_biased_lock_enter_other(&mp_recording.lock);
}

static void let_go(enum mp_biased_lock_way way)
{
    mp_recording_leave(way);
    mp_native_unmute();
}

/* Ends may have been missed. */
static bool has_lost(void)
{
    struct mp_heap_header *header = mp_recording.heap->header;
    if (!mp_hooks_are_installed())
        header->followed |= MP_HEAP_LOST;
    return header->followed & MP_HEAP_LOST;
}

int mp_hooks_know_blocks(void)
{
    bool is_open = mp_hooks_are_open() && mp_recording_is_open();
    if (is_open && !has_lost())
        return 0;
    errno = is_open ? ESTALE : ESRCH;
    return -1;
}

void mp_hooks_stop(void)
{
    if (!mp_hooks_are_open() || mp_recording.owner != getpid())
        return;
    bool whole = mp_recording_is_open();
    if (whole)
        has_lost();
    mp_hooks_see_ends(); /* what another tool keeps from here on may serve the next recording */
    enum mp_biased_lock_way way = hold();
    __atomic_store_n(mp_recording.open, 0, __ATOMIC_RELEASE);
    mp_recording.ledger.noted = NULL;
    if (whole) {
        mp_pools_look_now();
        mp_ledger_note_time(&mp_recording.ledger, true);
        mp_ledger_end_moments(&mp_recording.ledger);
    }
    mp_recording_leave(way); /* nobody else uses the accounts any more */
    if (whole)
        mp_recording_balance_end();
    close_accounts();
    mp_native_unmute();
}

bool mp_hooks_are_native(void)
{
    return mp_recording_is_native();
}

uint64_t mp_hooks_room(void)
{
    return (uint64_t)mp_recording.heap->most * MP_HEAP_CHUNK;
}

static void rest_or_wake(void)
{
    mp_recording.rests =
        mp_recording.may_rest && !mp_recording.awake && !mp_recording.ledger.nest;
    mp_recording_look_if_usual();
}

/* Nobody reads its balance. */
void mp_hooks_may_rest(void)
{
    enum mp_biased_lock_way way = hold();
    mp_recording.ledger.noted = NULL;
    mp_recording.may_rest = !mp_recording.sample;
    rest_or_wake();
    let_go(way);
}

/* With the recorder's lock, anywhere in the program: nothing but system calls. */
static void kill_now(struct mp_ledger *ledger)
{
    char line[128];
    int length =
        snprintf(line, sizeof line, "mprof: killed: %lld bytes are live, --max is %lld\n",
                 (long long)ledger->heap->header->live, (long long)ledger->most);
    if (write(STDERR_FILENO, line, (size_t)length) < 0)
        errno = 0; /* the exit code says it too */
    kill(getpid(), SIGKILL);
}

void mp_hooks_kill_over(int64_t bytes)
{
    enum mp_biased_lock_way way = hold();
    mp_recording.ledger.most = bytes;
    mp_recording.ledger.exceeded = kill_now;
    let_go(way);
}

void mp_hooks_keep_awake(bool awake)
{
    mp_recording.awake = awake;
    rest_or_wake();
}

bool mp_hooks_are_nested(void)
{
    return mp_recording.heap && mp_recording.ledger.nest;
}

double mp_hooks_filled(void)
{
    const struct mp_heap *heap = mp_recording.heap;
    return heap ? (double)heap->chunks / heap->most : 0;
}

/* Its border is a node like no other: of no code, at an instruction that is its own number. */
struct mp_nest *mp_hooks_nest(const struct mp_nest_terms *terms)
{
    struct mp_ledger *ledger = &mp_recording.ledger;
    struct mp_walk *walk = &mp_recording.walk;
    struct mp_nest *nest = NULL;
    enum mp_biased_lock_way way = hold();
    uint32_t next = (uint32_t)mp_recording.heap->header->counts[MP_HEAP_NODES];
    uint32_t border =
        mp_stacks_child(&ledger->stacks, walk->root, 0, next, MP_HEAP_FOR_LINES);
    if (mp_recording.heap->is_cut)
        errno = ESTALE;
    else if (!border)
        errno = ENOSPC;
    else if ((nest = mp_ledger_open_nest(ledger, border, terms)))
        mp_walk_begin_at(walk, border);
    if (nest)
        nest->session = mp_recording.session;
    rest_or_wake();
    let_go(way);
    return nest;
}

void mp_hooks_unnest(struct mp_nest *nest, void (*look)(void *), void *context)
{
    struct mp_ledger *ledger = &mp_recording.ledger;
    enum mp_biased_lock_way way = hold();
    mp_pools_look_now();
    mp_ledger_close_nest(ledger, nest);
    look(context);
    mp_walk_begin_at(&mp_recording.walk, ledger->nest ? ledger->nest->first : 0);
    rest_or_wake();
    let_go(way);
}

int64_t mp_hooks_kept(const struct mp_nest *nest)
{
    if (!mp_hooks_are_open() || nest->heap != mp_recording.heap ||
        nest->session != mp_recording.session)
        return -1;
    enum mp_biased_lock_way way = hold();
    int64_t bytes = mp_nest_kept(nest);
    let_go(way);
    return bytes;
}

void mp_hooks_pause(void (*look)(void *), void *context)
{
    enum mp_biased_lock_way way = hold();
    look(context);
    let_go(way);
}

/* One piece. Another recording may have begun since the last one. */
static bool mark_on(const char *name, size_t length, unsigned session, uint32_t *scan)
{
    enum mp_biased_lock_way way = hold();
    bool goes_on = mp_recording_is_open() && mp_recording.session == session;
    if (goes_on)
        goes_on = mp_ledger_mark(&mp_recording.ledger, name, length, scan);
    let_go(way);
    return goes_on;
}

bool mp_hooks_mark(const char *name, size_t length)
{
    uint32_t scan = 0;
    if (!mp_recording.open || !mp_recording_is_open() || mp_recording.owner != getpid())
        return false;
    unsigned session = mp_recording.session;
    while (mark_on(name, length, session, &scan))
        ;
    return scan;
}
