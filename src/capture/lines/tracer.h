/* Tracers: one profiler's line tables, and where their numbers come from. capture/lines/binding.h says
 * which code object feeds which table.
 */
#ifndef MP_CAPTURE_LINES_TRACER_H
#define MP_CAPTURE_LINES_TRACER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/heap/python/lines.h"
#include "capture/lines/gate.h"
#include "record/lines.h"

/* Where a tracer's numbers come from when it is not this process's RSS through the gate. */
struct mp_source {
    int64_t (*read)(void *self); /* bytes now; NULL: RSS through the thread's gate */
    void *self;
};

/* Who is told when memory rises to a number of bytes (0: nobody); told again when it comes back
   from below, or has grown by another tenth. */
struct mp_limit {
    int64_t bytes;
    int64_t reported; /* the reading that was reported last; 0: memory was below since */
    void *call;       /* the door's; given the reading */
};

struct mp_tracer {
    size_t references;
    unsigned entered; /* enters minus leaves, over all threads */
    struct mp_source source;
    bool peaks;         /* high-water marks too; the source is RSS through the gate */
    mp_flow_find *flow; /* bytes of Python's allocators too; NULL: not */
    void (*ends)(
        struct mp_tracer *); /* told of a function of its that is about to go; or NULL */
    struct mp_line_types *types; /* the door's */
    bool more;                   /* any of these: one branch for a line that wants none */
    struct mp_limit limit;
    struct mp_traced *traced; /* owned; in the order they were added */
    size_t count, room;
    const void **bound; /* owned; code objects with a binding of this tracer */
    size_t bound_count, bound_room;
    uint64_t failed; /* readings that failed; their lines were not charged */
    void (*on_release)(struct mp_tracer *);
};

/* One top-level code object of a tracer with its table. */
struct mp_traced {
    const void *code;
    struct mp_line_table *table; /* owned */
};

struct mp_tracer *mp_tracer_new(void);
void mp_tracer_keep(struct mp_tracer *);
void mp_tracer_drop(struct mp_tracer *); /* the last one releases it */

/* Adds a top-level code object with lines first to last, the entry row at `entry`; its nested
   code objects are bound with mp_tracer_bind(). Returns the table, or NULL with errno. */
struct mp_line_table *mp_tracer_add(struct mp_tracer *, const void *code, int first,
                                    int last, int entry);

/* Bytes that the tables from number `from` on need in a place that other processes read. */
size_t mp_tracer_room(const struct mp_tracer *, size_t from);

/* Bytes now, as the tracer counts them, through the thread's gate; -1 when the reading failed. */
static inline int64_t mp_tracer_read(struct mp_tracer *tracer, struct mp_gate *gate)
{
    if (__builtin_expect(tracer->source.read != NULL, 0))
        return tracer->source.read(tracer->source.self);
    return mp_gate_read(gate);
}

/* How many tracers have a flow. */
extern unsigned mp_tracer_flows __attribute__((visibility("hidden")));

/* Counts bytes of Python's allocators too, before anything is traced. */
void mp_tracer_use_flow(struct mp_tracer *, mp_flow_find *);

/* The meter of this process that all gates share. */
struct mp_meter *mp_tracer_meter(void);

#endif
