#include "capture/ledger.h"

#include "base/clock.h"

#include <pthread.h>
#include <time.h>

enum {
    FIRST_INTERVAL_MS = 10,
    NS_PER_MS = 1000000,
};

static int64_t wall_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int mp_ledger_init(struct mp_ledger *ledger, struct mp_heap *heap, struct mp_sieve *sieve)
{
    *ledger = (struct mp_ledger){.heap = heap};
    if (mp_meter_open(&ledger->meter, 0, MP_RSS))
        return -1;
    if (mp_shadow_init(&ledger->shadow, sieve) || mp_stacks_init(&ledger->stacks, heap)) {
        mp_ledger_release(ledger);
        return -1;
    }
    heap->header->series.interval = (int64_t)FIRST_INTERVAL_MS * NS_PER_MS;
    heap->header->wall_start = wall_ns();
    ledger->start = mp_clock_ns();
    ledger->draws = (uint64_t)ledger->start; /* a first one like any other */
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

/* Here a thread could be cancelled, with the turn in its hands. */
static int64_t read_rss(struct mp_ledger *ledger)
{
    int before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    int64_t rss = mp_meter_read(&ledger->meter);
    pthread_setcancelstate(before, &before);
    return rss;
}

static void add_point(struct mp_ledger *ledger, int64_t now)
{
    struct mp_heap_series *series = &ledger->heap->header->series;
    if (series->count[series->bank] == MP_HEAP_POINTS)
        halve(series);
    uint32_t count = series->count[series->bank];
    series->points[series->bank][count] =
        (struct mp_heap_point){now, read_rss(ledger), ledger->heap->header->live};
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
    bool due = point || now >= ledger->next_point;
    if (due)
        add_point(ledger, now);
    if (ledger->noted)
        ledger->noted(ledger, now, due);
}

void mp_ledger_look(struct mp_ledger *ledger, uintptr_t address, size_t size)
{
    if (size >= MP_LEDGER_LARGE)
        mp_large_note(&ledger->large, &ledger->shadow, address, size);
    mp_ledger_note_time(ledger, false);
}

void mp_ledger_map(struct mp_ledger *ledger, struct mp_heap_thread *thread, uint32_t stack,
                   int64_t bytes)
{
    struct mp_heap_header *header = ledger->heap->header;
    struct mp_heap_node *node = &ledger->heap->nodes[stack];
    mp_ledger_save(node, header->epoch);
    node->live += bytes;
    ledger->mapped += bytes;
    mp_ledger_raise(header, bytes);
    if (bytes > 0) {
        node->total += (uint64_t)bytes;
        thread->allocated += (uint64_t)bytes;
    } else {
        thread->freed += (uint64_t)-bytes;
    }
}
