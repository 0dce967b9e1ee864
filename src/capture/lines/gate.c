#include "capture/lines/gate.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    PERF_PATIENCE_US = 2,
    RUSAGE_PATIENCE_US = 10,
    PATIENCE_IN_READINGS = 4,
    CHANGE_US = 100
};

static const volatile uint64_t no_ring;

/* The gates of the thread that forks, so that the child can drop a ring it does not have. */
enum { MOST_GATES = 4 };
static __thread struct mp_gate *mine[MOST_GATES];

static void in_child(void)
{
    for (int i = 0; i < MOST_GATES; i++) {
        if (!mine[i])
            continue;
        mine[i]->head = &no_ring; /* the mapping is not inherited */
        mine[i]->ring = NULL;
        mine[i]->patience = 0; /* the next reading comes through mp_gate_refresh */
    }
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, in_child);
}

static void remember(struct mp_gate *gate, struct mp_gate *instead)
{
    for (int i = 0; i < MOST_GATES; i++)
        if (mine[i] == gate) {
            mine[i] = instead;
            return;
        }
}

/* Maps a ring that moves at each user-mode page fault of this thread. Read-only: a ring mapped
   writable stops when it is full. The mapping keeps the event, so the descriptor goes at once. */
static void *map_ring(void)
{
    struct perf_event_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.type = PERF_TYPE_SOFTWARE;
    attr.size = sizeof attr;
    attr.config = PERF_COUNT_SW_PAGE_FAULTS;
    attr.sample_period = 1;
    attr.exclude_kernel = 1;
    attr.exclude_hv = 1;
    attr.wakeup_events = 0x7fffffff;
    int fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (fd < 0)
        return NULL;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *ring = mmap(NULL, 2 * page, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    return ring == MAP_FAILED ? NULL : ring;
}

void mp_gate_init(struct mp_gate *gate, enum mp_gate_kind kind, struct mp_meter *meter)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
    *gate = (struct mp_gate){.kind = kind, .meter = meter, .head = &no_ring, .bytes = -1};
    gate->generation = mp_meter_generation();
    if (kind == MP_GATE_PERF) {
        gate->ring = map_ring();
        if (gate->ring)
            gate->head = (const volatile uint64_t *)&(
                             (const volatile struct perf_event_mmap_page *)gate->ring)
                             ->data_head;
        else
            gate->kind = MP_GATE_RUSAGE;
    }
    remember(NULL, gate);
}

void mp_gate_release(struct mp_gate *gate)
{
    remember(gate, NULL);
    if (gate->ring && gate->generation == mp_meter_generation())
        munmap(gate->ring, 2 * (size_t)sysconf(_SC_PAGESIZE));
    gate->ring = NULL;
    gate->head = &no_ring;
}

static long thread_faults(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_THREAD, &usage))
        return -1;
    return usage.ru_minflt + usage.ru_majflt;
}

bool mp_gate_faulted(struct mp_gate *gate)
{
    return gate->kind == MP_GATE_NONE || thread_faults() != gate->faults;
}

/* Where a reading is slow, being patient keeps its share of the run near a fifth. */
static uint64_t patience(const struct mp_gate *gate)
{
    if (gate->kind == MP_GATE_NONE)
        return 0;
    uint64_t least = (gate->kind == MP_GATE_PERF ? PERF_PATIENCE_US : RUSAGE_PATIENCE_US) *
                     mp_clock_ticks_per_us();
    uint64_t readings = PATIENCE_IN_READINGS * gate->cost;
    return readings > least && readings < 5 * least ? readings : least;
}

/* A spike inside this thread moves the gate or the reading; one in another thread may do
   neither, so now and then counts as a change too. */
static void note_change(struct mp_gate *gate, bool moved)
{
    if (!moved && gate->kind != MP_GATE_NONE &&
        gate->read_at - gate->changed_at < CHANGE_US * mp_clock_ticks_per_us())
        return;
    gate->changes++;
    gate->changed_at = gate->read_at;
}

/* What moved is noted before the reading: what moves during it opens the gate again. */
int64_t mp_gate_refresh(struct mp_gate *gate)
{
    if (gate->generation != mp_meter_generation()) {
        remember(gate, NULL);
        mp_gate_init(gate, gate->kind, gate->meter);
    }
    uint64_t seen = gate->seen;
    int64_t bytes = gate->bytes;
    long faults = gate->faults;
    gate->seen = *gate->head;
    if (gate->kind == MP_GATE_RUSAGE)
        gate->faults = thread_faults();
    uint64_t start = mp_clock_ticks();
    gate->bytes = mp_meter_read(gate->meter);
    gate->read_at = mp_clock_ticks();
    uint64_t cost = gate->read_at - start;
    if (!gate->cost || cost < gate->cost) {
        gate->cost = cost;
        gate->patience = patience(gate);
    }
    note_change(gate, gate->seen != seen || gate->faults != faults || gate->bytes != bytes);
    return gate->bytes;
}

const char *mp_gate_name(enum mp_gate_kind kind)
{
    static const char *const names[] = {"page-fault ring", "rusage", "none"};
    return names[kind];
}
