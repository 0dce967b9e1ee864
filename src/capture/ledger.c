#include "capture/ledger.h"

#include "base/clock.h"

#include <time.h>

enum {
    EVENTS_PER_LOOK = 256,
    LARGE = 1 << 16, /* bytes that are worth a look at the clock */
    FIRST_INTERVAL_MS = 10,
    NS_PER_MS = 1000000,
};

static int64_t wall_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int mp_ledger_init(struct mp_ledger *ledger, struct mp_heap *heap)
{
    *ledger = (struct mp_ledger){.heap = heap, .countdown = EVENTS_PER_LOOK};
    if (mp_meter_open(&ledger->meter, 0, MP_RSS))
        return -1;
    if (mp_shadow_init(&ledger->shadow) || mp_stacks_init(&ledger->stacks, heap)) {
        mp_ledger_release(ledger);
        return -1;
    }
    heap->header->series.interval = (int64_t)FIRST_INTERVAL_MS * NS_PER_MS;
    heap->header->wall_start = wall_ns();
    ledger->start = mp_clock_ns();
    mp_ledger_note_time(ledger, true);
    return 0;
}

void mp_ledger_release(struct mp_ledger *ledger)
{
    mp_stacks_release(&ledger->stacks);
    mp_shadow_release(&ledger->shadow);
    mp_meter_release(&ledger->meter);
}

/* The larger heap of each two points goes to the other bank, which then is the series. */
static void halve(struct mp_heap_series *series)
{
    uint32_t from = series->bank, to = !from;
    for (uint32_t i = 0; i < MP_HEAP_POINTS / 2; i++) {
        const struct mp_heap_point *two = &series->points[from][i * 2];
        series->points[to][i] = two[two[1].heap > two[0].heap];
    }
    series->count[to] = MP_HEAP_POINTS / 2;
    __atomic_store_n(&series->bank, to, __ATOMIC_RELEASE);
    series->interval *= 2;
}

static void add_point(struct mp_ledger *ledger, int64_t now)
{
    struct mp_heap_series *series = &ledger->heap->header->series;
    if (series->count[series->bank] == MP_HEAP_POINTS)
        halve(series);
    uint32_t count = series->count[series->bank];
    series->points[series->bank][count] = (struct mp_heap_point){
        now, mp_meter_read(&ledger->meter), ledger->heap->header->live};
    __atomic_store_n(&series->count[series->bank], count + 1, __ATOMIC_RELEASE);
    ledger->next_point = now + series->interval;
}

void mp_ledger_note_time(struct mp_ledger *ledger, bool point)
{
    struct mp_heap_header *header = ledger->heap->header;
    int64_t now = mp_clock_ns() - ledger->start;
    header->elapsed = now;
    if (ledger->timed_peak != header->peak) {
        ledger->timed_peak = header->peak;
        header->peak_time = now;
    }
    if (point || now >= ledger->next_point)
        add_point(ledger, now);
    ledger->countdown = EVENTS_PER_LOOK;
}

static inline void look(struct mp_ledger *ledger, size_t size)
{
    if (__builtin_expect(!--ledger->countdown || size >= LARGE, 0))
        mp_ledger_note_time(ledger, false);
}

/* Before a node changes: keeps its values at the peak. */
static inline void save(struct mp_heap_node *node, uint32_t epoch)
{
    if (node->epoch == epoch)
        return;
    node->at_peak = node->live;
    node->at_peak_blocks = node->live_blocks;
    node->epoch = epoch;
}

static inline void count_block(struct mp_heap_header *header, struct mp_heap_node *node,
                               size_t size)
{
    save(node, header->epoch);
    node->live += (int64_t)size;
    node->live_blocks++;
    node->total += size;
    node->blocks++;
    header->total += size;
    header->blocks++;
    header->live_blocks++;
    header->live += (int64_t)size;
    if (header->live > header->peak) {
        header->epoch++;
        header->peak_blocks = header->live_blocks;
        header->peak = header->live;
    }
}

void mp_ledger_add(struct mp_ledger *ledger, struct mp_heap_thread *thread,
                   uintptr_t address, size_t size, uint32_t stack)
{
    struct mp_heap_header *header = ledger->heap->header;
    if (mp_shadow_put(&ledger->shadow, address, size, stack)) {
        header->untracked++;
        header->untracked_bytes += size;
        return;
    }
    count_block(header, &ledger->heap->nodes[stack], size);
    thread->allocated += size;
    thread->blocks++;
    look(ledger, size);
}

void mp_ledger_remove(struct mp_ledger *ledger, struct mp_heap_thread *thread,
                      const struct mp_block *block, bool temporary)
{
    struct mp_heap_header *header = ledger->heap->header;
    struct mp_heap_node *node = &ledger->heap->nodes[block->stack];
    if (block->size >= LARGE)
        look(ledger, block->size); /* dates the peak before it is over */
    save(node, header->epoch);
    node->live -= (int64_t)block->size;
    node->live_blocks--;
    node->temporary += temporary;
    header->live -= (int64_t)block->size;
    header->live_blocks--;
    header->frees++;
    header->temporary += temporary;
    thread->freed += block->size;
    thread->frees++;
    thread->temporary += temporary;
}
