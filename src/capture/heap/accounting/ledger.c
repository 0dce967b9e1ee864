#include "capture/heap/accounting/ledger.h"

#include "base/clock.h"

#include <errno.h>
#include <pthread.h>

enum {
    STEPS = 32,           /* of a heap at its peak */
    LEAST_STEP = 1 << 20, /* bytes */
    DUE = 4,              /* readings in a stretch of the series */
};

int mp_ledger_init(struct mp_ledger *ledger, struct mp_heap *heap,
                   struct mp_counting_filter *filter)
{
    *ledger = (struct mp_ledger){.heap = heap};
    if (mp_meter_open(&ledger->meter, 0, MP_RSS))
        return -1;
    if (mp_shadow_init(&ledger->shadow, filter) || mp_stacks_init(&ledger->stacks, heap)) {
        mp_ledger_release(ledger);
        return -1;
    }
    heap->header->series.interval = MP_LEDGER_INTERVAL;
    ledger->start = mp_clock_ns();
    heap->header->wall_start = ledger->start + mp_clock_wall_offset();
    ledger->draws = (uint64_t)ledger->start; /* a first one like any other */
    mp_moments_init(&ledger->moments, heap);
    mp_ledger_note_time(ledger, true);
    return 0;
}

void mp_ledger_release(struct mp_ledger *ledger)
{
    mp_moments_release(&ledger->moments);
    mp_stacks_release(&ledger->stacks);
    mp_shadow_release(&ledger->shadow);
    mp_meter_release(&ledger->meter);
}

/* Here a thread could be cancelled, with the biased lock in its hands. */
static int64_t read_rss(struct mp_ledger *ledger)
{
    int before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    int64_t rss = mp_meter_read(&ledger->meter);
    pthread_setcancelstate(before, &before);
    return rss;
}

/* Between two readings that are due. */
static int64_t pause_of(const struct mp_heap_header *header)
{
    int64_t part = header->series.interval / DUE;
    return part > MP_LEDGER_INTERVAL ? part : MP_LEDGER_INTERVAL;
}

static void read_now(struct mp_ledger *ledger, int64_t now)
{
    const struct mp_heap_header *header = ledger->heap->header;
    mp_throttle_begin(&ledger->throttle);
    ledger->rss = read_rss(ledger);
    mp_throttle_end(&ledger->throttle, now, 0);
    ledger->heap_then = header->live;
    ledger->next_due = now + pause_of(header);
}

/* So many bytes are worth a reading of the RSS between two that are due. */
static int64_t step_of(const struct mp_heap_header *header)
{
    int64_t part = header->peak / STEPS;
    return part > LEAST_STEP ? part : LEAST_STEP;
}

static void add_point(struct mp_ledger *ledger, int64_t now)
{
    struct mp_heap_header *header = ledger->heap->header;
    if (ledger->timed_peak != header->peak) {
        ledger->timed_peak = header->peak;
        header->peak_time = now;
        if (header->live != header->peak) /* it was there until now */
            mp_heap_series_add(&header->series,
                               (struct mp_heap_point){now, ledger->rss, header->peak},
                               header->peak);
    }
    mp_heap_series_add(&header->series,
                       (struct mp_heap_point){now, ledger->rss, header->live},
                       header->peak);
    ledger->noted_live = header->live;
}

/* `ending`: bytes of a block that is about to be freed. */
static void note(struct mp_ledger *ledger, bool point, int64_t ending)
{
    struct mp_heap_header *header = ledger->heap->header;
    int kept = errno;
    int64_t now = mp_clock_ns() - ledger->start, more = header->live - ledger->heap_then;
    int64_t step = step_of(header);
    bool due = point || now >= ledger->next_due, may = now >= ledger->throttle.next;
    header->elapsed = now;
    if (__builtin_expect(ledger->exceeded && header->live > ledger->most, 0))
        ledger->exceeded(ledger);
    if (may && (ending >= step || more <= -step))
        ledger->owes |= MP_LEDGER_OWES_READING; /* before the free itself, it says less */
    if (due)
        mp_shadow_trim(&ledger->shadow);
    if (due || (may && (ending >= step || more >= step || more <= -step)))
        read_now(ledger, now);
    if (ledger->noted)
        ledger->noted(ledger, now, due);
    add_point(ledger, now); /* behind it: it may have found more */
    mp_nest_note_time(ledger->nest, now, ledger->rss);
    if (mp_moments_are_due(&ledger->moments, now))
        mp_moments_look(&ledger->moments, now);
    errno = kept;
}

void mp_ledger_note_time(struct mp_ledger *ledger, bool point)
{
    note(ledger, point, 0);
}

void mp_ledger_note_end(struct mp_ledger *ledger, uintptr_t address, size_t size,
                        uint64_t bytes)
{
    ledger->leaving = address;
    ledger->leaving_size = size;
    note(ledger, false, bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes);
    ledger->leaving = 0;
}

void mp_ledger_settle(struct mp_ledger *ledger)
{
    ledger->owes = 0;
    note(ledger, true, 0);
}

void mp_ledger_look(struct mp_ledger *ledger, uintptr_t address, size_t size)
{
    if (size >= MP_LEDGER_LARGE)
        mp_large_note(&ledger->large, &ledger->shadow, address, size);
    note(ledger, false, 0);
}

struct mp_nest *mp_ledger_open_nest(struct mp_ledger *ledger, uint32_t first,
                                    const struct mp_nest_terms *terms)
{
    struct mp_nest *nest =
        mp_nest_new(ledger->heap, ledger->nest, ledger->start, first, terms);
    if (!nest)
        return NULL;
    ledger->nest = nest;
    mp_heap_want(ledger->heap->header, MP_HEAP_TELL_NESTS, true);
    if (terms->apart)
        mp_nest_open_hole(nest);
    mp_ledger_note_time(ledger, true);
    nest->rss = ledger->rss;
    return nest;
}

void mp_ledger_close_nest(struct mp_ledger *ledger, struct mp_nest *nest)
{
    mp_ledger_note_time(ledger, true);
    nest->rss_end = ledger->rss;
    nest->end = (uint32_t)ledger->heap->header->counts[MP_HEAP_NODES];
    if (nest->apart)
        mp_nest_close_hole(nest, nest->end);
    struct mp_nest **at = &ledger->nest;
    while (*at && *at != nest)
        at = &(*at)->outer;
    if (*at)
        *at = nest->outer;
    mp_heap_want(ledger->heap->header, MP_HEAP_TELL_NESTS, ledger->nest);
}

bool mp_ledger_mark(struct mp_ledger *ledger, const char *name, size_t length,
                    uint32_t *scan)
{
    struct mp_moments *moments = &ledger->moments;
    bool waits = !*scan && mp_moments_are_marking(moments); /* another's is under way */
    if (!*scan && !waits) {
        mp_ledger_note_time(ledger, true);
        *scan = mp_moments_mark(moments, ledger->heap->header->elapsed, name, length);
    }
    if (moments->scanning && (waits || moments->scans == *scan))
        mp_moments_go_on(moments);
    return waits || (moments->scanning && moments->scans == *scan);
}

void mp_ledger_end_moments(struct mp_ledger *ledger)
{
    mp_moments_end(&ledger->moments, ledger->heap->header->elapsed);
}

/* Another process asks for a mark: of what is there until now. Or for more, which who is told of the time knows. */
static void answer(struct mp_ledger *ledger)
{
    if (mp_moments_are_marking(&ledger->moments)) {
        ledger->moments.kept_waiting = true;
        return;
    }
    int64_t now = mp_clock_ns() - ledger->start;
    ledger->heap->header->elapsed = now;
    add_point(ledger, now);
    mp_moments_answer(&ledger->moments, now);
    if (ledger->noted)
        ledger->noted(ledger, now, false);
}

void mp_ledger_tell(struct mp_ledger *ledger, uint32_t stack, int64_t bytes)
{
    int kept = errno;
    if (ledger->heap->header->tell & MP_HEAP_TELL_REQUEST)
        answer(ledger);
    mp_moments_save(&ledger->moments, stack);
    mp_nest_change(ledger->nest, stack, bytes, ledger->rss);
    errno = kept;
}

uint32_t mp_ledger_count_sampled(struct mp_ledger *ledger, struct mp_heap_thread *thread,
                                 uintptr_t address, size_t size, uint32_t stack)
{
    struct mp_weight weight = mp_ledger_weight(ledger, address, size, ledger->draws++);
    return mp_ledger_count(
        ledger, thread, address, size, stack, weight,
        mp_ledger_small(&ledger->heap->nodes[stack], size, weight.bytes));
}

void mp_ledger_discount_sampled(struct mp_ledger *ledger, struct mp_heap_thread *thread,
                                uintptr_t address, const struct mp_block *block,
                                uint32_t temporary)
{
    struct mp_weight weight =
        mp_ledger_weight(ledger, address, block->size, ledger->draws++);
    mp_ledger_discount(
        ledger, thread, address, block, temporary, weight,
        mp_ledger_small(&ledger->heap->nodes[block->stack], block->size, weight.bytes));
}

void mp_ledger_map(struct mp_ledger *ledger, struct mp_heap_thread *thread, uint32_t stack,
                   int64_t bytes)
{
    struct mp_heap_header *header = ledger->heap->header;
    struct mp_heap_node *node = &ledger->heap->nodes[stack];
    mp_ledger_may_tell(ledger, header, stack, bytes);
    mp_ledger_raise(ledger, header, node, bytes);
    ledger->mapped += bytes;
    if (bytes > 0) {
        node->total += (uint64_t)bytes;
        thread->allocated += (uint64_t)bytes;
    } else {
        thread->freed += (uint64_t)-bytes;
    }
}
