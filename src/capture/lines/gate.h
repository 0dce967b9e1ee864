/* The gate: "can this process's RSS have changed since I last looked?" in a few nanoseconds.
 *
 * RSS grows almost only by page faults. Three gates, equally true, differ in what a closed gate
 * costs (measured, x86-64):
 *
 *   page-fault ring   one load and the tick counter, 10 ns. A perf event of this thread writes
 *                     a record at each user-mode fault; its data_head moves. Also opens when
 *                     2 us passed (4 readings' time, where a reading is slow): unmaps, other
 *                     threads, faults inside system calls.
 *   rusage            getrusage(RUSAGE_THREAD).ru_minflt, one system call; opens after 10 us
 *                     too. For machines that forbid perf events (many containers, Debian).
 *   none              always open: one pread of statm an event.
 *
 * A gate belongs to the thread that made it. After fork the child's copy reopens by itself.
 */
#ifndef MP_CAPTURE_LINES_GATE_H
#define MP_CAPTURE_LINES_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "capture/process/meter.h"

enum mp_gate_kind { MP_GATE_PERF, MP_GATE_RUSAGE, MP_GATE_NONE };

struct mp_gate {
    enum mp_gate_kind kind;
    struct mp_meter *meter;        /* borrowed */
    const volatile uint64_t *head; /* the ring's data_head; a constant 0 for other kinds */
    uint64_t seen;                 /* its value at the last reading */
    uint64_t read_at;              /* ticks of the last reading */
    uint64_t patience;             /* ticks that a reading stays good without faults */
    uint64_t cost;                 /* ticks of the fastest reading so far */
    int64_t bytes;                 /* the last reading; -1 when it failed */
    long faults;                   /* ru_minflt at the last reading */
    uint64_t changes;    /* readings after which memory may have been higher between */
    uint64_t changed_at; /* ticks of the last of them */
    void *ring;          /* the mapping, owned; NULL for other kinds */
    unsigned generation; /* of the fork that made it */
};

/* Makes the best gate of at least `kind` for the calling thread. Cannot fail: falls back to the
   next kind. */
void mp_gate_init(struct mp_gate *, enum mp_gate_kind kind, struct mp_meter *);
void mp_gate_release(struct mp_gate *);

/* Reads the meter and remembers when and what. -1 with errno when the meter fails. */
int64_t mp_gate_refresh(struct mp_gate *);

/* True when RSS can have changed although less than `patience` passed (slow kinds). */
bool mp_gate_faulted(struct mp_gate *);

/* The name of a kind, for people: "page-fault ring", "rusage", "none". */
const char *mp_gate_name(enum mp_gate_kind);

/* Resident bytes, at most `patience` old and never older than this thread's last fault. */
static inline int64_t mp_gate_read(struct mp_gate *gate)
{
    if (*gate->head == gate->seen && mp_clock_ticks() - gate->read_at < gate->patience &&
        (gate->kind == MP_GATE_PERF || !mp_gate_faulted(gate)))
        return gate->bytes;
    return mp_gate_refresh(gate);
}

#endif
