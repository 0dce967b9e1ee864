#include "capture/heap/python/census_due.h"

#include "capture/heap/accounting/throttle.h"
#include "capture/heap/python/recording.h"

enum {
    NEAR = 95,   /* percent of the peak that are near it */
    HIGHER = 20, /* a heap larger by a 20th is worth another, */
    TWICE = 2,   /* one so many times as large at any time: so often a heap cannot grow */
    FIRST = 1 << 18, /* bytes of a heap that are worth the first */
};

static struct {
    int (*due)(void);
    bool often;
    int said;                    /* it was called */
    unsigned why;                /* bits */
    struct mp_throttle throttle; /* of those near the peak */
    int64_t live;                /* at the latest of them */
    uint32_t answered;           /* marks of other processes that have one */
    pid_t child;                 /* that looks */
    bool (*is_over)(pid_t child);
} state;

static void settle(void)
{
    if (!state.due || !state.why || __atomic_exchange_n(&state.said, 1, __ATOMIC_ACQ_REL))
        return;
    if (state.due())
        __atomic_store_n(&state.said, 0, __ATOMIC_RELEASE);
}

void mp_census_watch(int (*due)(void), bool often)
{
    state.due = NULL;
    state.said = 0;
    state.why = 0;
    state.throttle.next = state.live = 0;
    state.answered = 0;
    state.child = 0;
    state.often = often;
    state.due = due;
    mp_recording.settled = due ? settle : NULL;
}

void mp_census_await(pid_t child, bool (*is_over)(pid_t child))
{
    state.is_over = is_over;
    __atomic_store_n(&state.child, child, __ATOMIC_RELEASE);
}

static bool has_looked(void)
{
    pid_t child = __atomic_load_n(&state.child, __ATOMIC_ACQUIRE);
    return child && state.is_over(child);
}

static bool is_higher(const struct mp_heap_header *header, int64_t now)
{
    if (header->live < FIRST || header->live < header->peak / 100 * NEAR)
        return false;
    return now >= state.throttle.next ? header->live > state.live + state.live / HIGHER
                                      : header->live > state.live * TWICE;
}

/* Another process may write anything into what it asks. */
void mp_census_look(int64_t now)
{
    const struct mp_heap_header *header = mp_recording.heap->header;
    if (!state.due)
        return;
    if (__atomic_load_n(&header->types_asked, __ATOMIC_ACQUIRE) != header->types_answered)
        state.why |= MP_CENSUS_IS_ASKED;
    if (__atomic_load_n(&header->holders.asked, __ATOMIC_ACQUIRE) != header->holders.begun)
        state.why |= MP_CENSUS_IS_HOLDERS;
    if (has_looked())
        state.why |= MP_CENSUS_IS_LOOKED;
    if (state.often && header->answered != state.answered)
        state.why |= MP_CENSUS_IS_MARK;
    if (state.often && is_higher(header, now))
        state.why |= MP_CENSUS_IS_PEAK;
    if (state.why && !state.said)
        mp_recording.ledger.owes |= MP_LEDGER_OWES_WORD;
}

/* Marks of others are those before it. */
unsigned mp_census_begin(void)
{
    unsigned why = state.why;
    state.why = 0;
    state.answered = mp_recording.heap->header->answered;
    mp_throttle_begin(&state.throttle);
    return why;
}

void mp_census_end(unsigned why)
{
    if (why & MP_CENSUS_IS_PEAK) {
        const struct mp_heap_header *header = mp_recording.heap->header;
        state.live = header->live;
        mp_throttle_end(&state.throttle, header->elapsed, 0);
    }
    __atomic_store_n(&state.said, 0, __ATOMIC_RELEASE);
}
