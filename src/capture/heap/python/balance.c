#include "capture/heap/python/balance.h"

#include <pthread.h>

#include "capture/heap/accounting/throttle.h"
#include "capture/heap/balance/balance.h"
#include "capture/heap/python/arenas.h"
#include "capture/heap/python/census_due.h"
#include "capture/heap/python/group.h"
#include "capture/heap/python/pools.h"
#include "capture/heap/python/recording.h"
#include "capture/process/pages.h"

enum {
    NEAR = 95,       /* percent of the highest heap so far that are near it */
    HIGHER = 20,     /* a heap larger by a 20th is worth a reading between two points */
    MUCH_HIGHER = 5, /* by a 5th, one at any time: so often a heap cannot grow */
    LONGER = 2,      /* the maps are read again when the run is longer by half */
    FIRST = 1 << 20, /* bytes of a heap that are worth the first */
    AGAIN = 3,       /* a block that nobody touched yet is worth so many readings more */
};

static const int64_t worth = 1 << 20; /* bytes that are not resident */

static struct {
    int64_t counted, untouched;  /* of the arenas, at the start */
    struct mp_throttle throttle; /* of the readings near the peak */
    int64_t heap;                /* at the latest of them */
    int again;                   /* times it may be read once more at any time */
    int64_t next_maps; /* reading of the maps at the earliest, ns since the start */
    bool owes_maps;    /* the start's: a program that was attached to stands still for it */
    struct mp_heap_balance latest; /* with what was not read again */
} state;

/* Resident pages of stretches of memory, a part of them asked when not `whole`. */
struct counting {
    size_t stride;
    int64_t resident;
};

static void see_own(void *context, const void *at, size_t bytes)
{
    struct counting *counting = context;
    int64_t resident = mp_pages_resident((uintptr_t)at, bytes, counting->stride);
    counting->resident += resident > 0 ? resident : 0;
}

static void each_own(struct counting *counting)
{
    const struct mp_ledger *ledger = &mp_recording.ledger;
    const struct mp_codes *codes = &mp_recording.walk.codes;
    const struct mp_maps *maps = &mp_recording.maps;
    mp_shadow_each(&ledger->shadow, see_own, counting);
    see_own(counting, ledger->stacks.slots, ledger->stacks.room * sizeof(uint32_t));
    see_own(counting, codes->entries, codes->room * sizeof *codes->entries);
    see_own(counting, codes->known, codes->known_room * sizeof *codes->known);
    see_own(counting, maps->nodes, maps->room * sizeof *maps->nodes);
    see_own(counting, &mp_recording, sizeof mp_recording);
    see_own(counting, ledger->moments.saved, ledger->moments.saved_bytes);
    for (const struct mp_nest *nest = ledger->nest; nest; nest = nest->outer)
        see_own(counting, nest, nest->bytes);
}

static void each_table(struct counting *counting)
{
    const struct mp_heap *heap = mp_recording.heap;
    const void *tables[] = {[MP_HEAP_NODES] = heap->nodes,
                            [MP_HEAP_CODES] = heap->codes,
                            [MP_HEAP_TEXT] = heap->text,
                            [MP_HEAP_THREADS] = heap->threads,
                            [MP_HEAP_MOMENTS] = heap->moments,
                            [MP_HEAP_ENTRIES] = heap->entries,
                            [MP_HEAP_SOURCES] = heap->sources,
                            [MP_HEAP_SOURCE_LINES] = heap->source_lines,
                            [MP_HEAP_TYPES] = heap->types,
                            [MP_HEAP_TYPED] = heap->typed,
                            [MP_HEAP_TAGS] = heap->tags,
                            [MP_HEAP_CENSUSES] = heap->censuses,
                            [MP_HEAP_TYPED_THEN] = heap->typed_then,
                            [MP_HEAP_HOLDERS] = heap->holders,
                            [MP_HEAP_WASTE] = heap->waste};
    see_own(counting, heap->header, sizeof *heap->header);
    for (int table = MP_HEAP_NODES; table < MP_HEAP_TABLES; table++)
        see_own(counting, tables[table],
                heap->room[table] * mp_heap_item_size((enum mp_heap_table)table));
}

static void read_own(struct mp_heap_balance *balance, bool whole)
{
    size_t shadow = mp_shadow_mapped(&mp_recording.ledger.shadow);
    struct counting own = {.stride = mp_pages_stride(whole ? 0 : shadow)}, tables = own;
    each_own(&own);
    each_table(&tables);
    balance->own = own.resident + tables.resident;
    balance->own_shared = mp_recording.heap->shared ? tables.resident : 0;
}

/* Large blocks and mappings, likewise. */
struct live {
    size_t stride;
    int64_t absent, shared;
    int64_t in_heap; /* of `absent`, in malloc's heaps */
};

static void see_mapping(void *context, const struct mp_maps_node *node)
{
    struct live *live = context;
    if (node->state != MP_MAP_COUNTS || node->kind == MP_MAP_FILE ||
        node->kind == MP_MAP_POOL)
        return;
    size_t bytes = node->end - node->start;
    int64_t absent = mp_pages_absent(node->start, bytes, live->stride);
    live->absent += absent;
    if (node->kind == MP_MAP_SHARED)
        live->shared += (int64_t)bytes - absent;
}

static void see_block(struct live *live, uintptr_t block, size_t size)
{
    int64_t absent = mp_pages_absent(block, size, live->stride);
    live->absent += absent;
    live->in_heap += mp_balance_is_in_heap(block) ? absent : 0;
}

static void each_live(struct live *live)
{
    struct mp_ledger *ledger = &mp_recording.ledger;
    if (ledger->leaving)
        see_block(live, ledger->leaving, ledger->leaving_size);
    for (int i = 0; i < MP_LARGE_PLACES; i++) {
        uintptr_t *block = &ledger->large.blocks[i];
        size_t size = *block ? mp_shadow_size(&ledger->shadow, *block) : 0;
        if (size < MP_LEDGER_LARGE) {
            *block = 0;
            continue;
        }
        see_block(live, *block, size);
    }
    mp_maps_each(&mp_recording.maps, see_mapping, live);
}

static void read_heap(struct mp_heap_balance *balance, bool whole)
{
    const struct mp_ledger *ledger = &mp_recording.ledger;
    int64_t heap = ledger->heap->header->live;
    size_t most = heap > ledger->small ? (size_t)(heap - ledger->small) : 0;
    struct live live = {.stride = mp_pages_stride(whole ? 0 : most)};
    each_live(&live);
    balance->heap = heap;
    balance->small = ledger->small;
    balance->mapped = ledger->mapped;
    balance->absent = live.absent;
    balance->mapped_shared = live.shared;
    balance->reserved = mp_pools_reserved();
    mp_balance_take_absent(balance, live.in_heap, whole);
}

/* What pymalloc said at the start, and what changed since. */
static void count_arenas(struct mp_heap_balance *balance)
{
    const struct mp_heap_balance *first =
        &mp_recording.heap->header->balance[MP_HEAP_AT_START];
    if (first->arenas <= 0) { /* not known, or another allocator's place */
        balance->arenas = balance->pooled = first->arenas;
        return;
    }
    balance->arenas = first->arenas + mp_arenas_counted() - state.counted -
                      mp_arenas_untouched(0, false) + state.untouched;
    balance->pooled = first->pooled + balance->small;
}

static void ask_arenas(struct mp_heap_balance *balance)
{
    struct mp_arenas arenas = mp_arenas_ask();
    balance->arenas = arenas.taken;
    if (arenas.taken > 0)
        balance->arenas -= mp_arenas_untouched(MP_ARENAS_LEAST, true);
    balance->pooled = arenas.used;
}

static void read_maps(struct mp_heap_balance *balance)
{
    mp_balance_read_maps(balance, &mp_recording);
    state.latest = *balance;
}

/* The reading is there when its RSS is. */
static void keep(enum mp_heap_reading moment, const struct mp_heap_balance *balance)
{
    struct mp_heap_balance *to = &mp_recording.heap->header->balance[moment],
                           without = *balance;
    without.rss = 0;
    __atomic_store_n(&to->rss, 0, __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    *to = without;
    __atomic_store_n(&to->rss, balance->rss, __ATOMIC_RELEASE);
}

static int read_rss(struct mp_heap_balance *balance)
{
    struct mp_meter *meter = &mp_recording.ledger.meter;
    balance->rss = mp_meter_read(meter);
    balance->shared = meter->shared;
    return balance->rss > 0 ? 0 : -1;
}

/* All there is to know. */
static void read_whole(enum mp_heap_reading moment, int64_t now)
{
    struct mp_heap_balance balance = mp_balance_none();
    balance.time = now;
    if (read_rss(&balance))
        return;
    mp_balance_read_malloc(&balance);
    read_heap(&balance, true);
    read_own(&balance, true);
    if (!state.owes_maps)
        read_maps(&balance);
    ask_arenas(&balance);
    keep(moment, &balance);
}

/* A program that ran for a while has its libraries and stacks. */
static void settle_start(void)
{
    struct mp_heap_balance start = mp_recording.heap->header->balance[MP_HEAP_AT_START];
    state.owes_maps = false;
    read_maps(&start);
    keep(MP_HEAP_AT_START, &start);
}

static int64_t held(const struct mp_heap_balance *balance)
{
    return balance->heap - balance->absent;
}

static bool is_near(const struct mp_heap_balance *balance)
{
    return balance->heap >= mp_recording.heap->header->peak / 100 * NEAR;
}

/* Of those near the peak the latest that has about as much memory in it as any: a block is read as
   it is allocated, and again when it has been used. */
static void keep_best(const struct mp_heap_balance *balance)
{
    const struct mp_heap_balance *best =
        &mp_recording.heap->header->balance[MP_HEAP_NEAR_PEAK];
    if (!best->rss || !is_near(best) || held(balance) >= held(best) / 100 * 99)
        keep(MP_HEAP_NEAR_PEAK, balance);
}

static void read_near_peak(int64_t now)
{
    struct mp_heap_balance balance = mp_balance_none();
    balance.time = now;
    if (read_rss(&balance))
        return;
    mp_balance_read_malloc(&balance);
    read_heap(&balance, false);
    read_own(&balance, false);
    count_arenas(&balance);
    balance.stacks = state.latest.stacks;
    balance.libraries = state.latest.libraries;
    if (now >= state.next_maps) {
        read_maps(&balance);
        state.next_maps = now + now / LONGER;
    }
    state.heap = balance.heap;
    keep_best(&balance);
}

/* Whether pages were missing that may be there now. */
static bool is_worth_another(const struct mp_heap_balance *best, bool early)
{
    int64_t missing = best->absent + best->reserved;
    bool worth_it = missing >= worth && missing > best->heap / HIGHER;
    return worth_it && (!early || state.again-- > 0);
}

/* Between two points, or before the readings' share of the time allows for one, it takes more of a
   difference. */
static bool is_wanted(const struct mp_heap_header *header, int64_t now, bool point)
{
    const struct mp_heap_balance *best = &header->balance[MP_HEAP_NEAR_PEAK];
    if (header->live < header->peak / 100 * NEAR)
        return false;
    if (!best->rss) /* a short-lived child is worth one, too */
        return point || header->live >= FIRST;
    bool early = now < state.throttle.next;
    int64_t more = early ? state.heap / MUCH_HIGHER : point ? 0 : state.heap / HIGHER;
    if (header->live <= state.heap + more)
        return is_worth_another(best, early);
    state.again = AGAIN;
    return true;
}

static void noted(struct mp_ledger *ledger, int64_t now, bool point)
{
    mp_pools_look(now);
    mp_recording_group_look(now);
    mp_census_look(now);
    bool wanted = is_wanted(ledger->heap->header, now, point),
         settles = point && state.owes_maps;
    if (!wanted && !settles)
        return;
    int kept = errno, cancel;
    mp_throttle_begin(&state.throttle);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel); /* we hold the biased lock */
    if (settles)
        settle_start();
    if (wanted)
        read_near_peak(now);
    pthread_setcancelstate(cancel, &cancel);
    mp_throttle_end(&state.throttle, now, 0);
    errno = kept;
}

void mp_recording_balance_start(void)
{
    mp_balance_init();
    state.counted = mp_arenas_counted();
    state.untouched = mp_arenas_untouched(0, true);
    state.throttle.next = state.next_maps = state.heap = 0;
    state.again = AGAIN; /* the first block may be the largest */
    state.owes_maps = mp_recording.heap->header->attached;
    mp_recording_group_start();
    state.latest = mp_balance_none();
    read_whole(MP_HEAP_AT_START, 0);
    mp_recording.ledger.noted = noted;
}

void mp_recording_balance_end(void)
{
    const struct mp_heap_header *header = mp_recording.heap->header;
    const struct mp_heap_balance *end = &header->balance[MP_HEAP_AT_END],
                                 *best = &header->balance[MP_HEAP_NEAR_PEAK];
    if (state.owes_maps)
        settle_start();
    read_whole(MP_HEAP_AT_END, header->elapsed);
    if (end->rss && (!best->rss || is_near(end)))
        keep_best(end);
}
