/* Tracers: one profiler's line tables, and which code object feeds which table.
 *
 * A code object can belong to several tracers (the imported decorator makes one per call). An
 * activation is counted by the tracer that was entered on its thread for it, else by its caller's,
 * else by the innermost entered on the thread that knows the code, else by the newest that is
 * entered on any thread, else by none. Code bound as `always` (generators,
 * which run long after the call that made them returned) counts without an enter.
 */
#ifndef MP_CAPTURE_TRACER_H
#define MP_CAPTURE_TRACER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/activation.h"
#include "capture/flow.h"
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
    int64_t told; /* the reading that was told last; 0: memory was below since */
    void *call;   /* the door's; given the reading */
};

struct mp_tracer {
    size_t references;
    unsigned entered; /* enters minus leaves, over all threads */
    struct mp_source source;
    bool peaks;         /* high-water marks too; the source is RSS through the gate */
    mp_flow_find *flow; /* bytes of Python's allocators too; NULL: not */
    bool more;          /* either of the two: one branch for a line that wants neither */
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

/* The table that a code object (top-level or nested) feeds; NULL when the tracer does not know
   it. */
struct mp_line_table *mp_tracer_table(const struct mp_tracer *, const void *code);

/* Whether any tracer knows this code object. */
bool mp_tracer_is_bound(const void *code);

/* Charges what `code` does to a table of the tracer; `always`: also while nobody entered it.
   0, or -1 with errno. */
int mp_tracer_bind(struct mp_tracer *, const void *code, struct mp_line_table *,
                   bool always);

/* Undoes all bindings of the tracer; calls `freed(code)` for codes nobody traces any more. */
void mp_tracer_unbind(struct mp_tracer *, void (*freed)(const void *code));

/* Counts what the calling thread does from here on / until here. Leaving ends activations that
   the tracer's context left open. 0, or -1 with errno. */
int mp_tracer_enter(struct mp_tracer *);
void mp_tracer_leave(struct mp_tracer *);

/* Who counts a run of `code` that begins now on this thread. False: nobody. */
bool mp_tracer_choose(const struct mp_thread *, const void *code, struct mp_tracer **tracer,
                      struct mp_line_table **table);

/* Bytes now, as the tracer counts them; -1 when the reading failed. */
static inline int64_t mp_tracer_read(struct mp_tracer *tracer, struct mp_thread *thread)
{
    if (__builtin_expect(tracer->source.read != NULL, 0))
        return tracer->source.read(tracer->source.self);
    return mp_gate_read(&thread->gate);
}

/* How many tracers have a flow. */
extern unsigned mp_tracer_flows __attribute__((visibility("hidden")));

/* Counts bytes of Python's allocators too, before anything is traced. */
void mp_tracer_use_flow(struct mp_tracer *, mp_flow_find *);

/* The meter of this process that all gates share. */
struct mp_meter *mp_tracer_meter(void);

#endif
