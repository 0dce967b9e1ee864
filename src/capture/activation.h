/* Activations: which line each running function is on, and who is charged for what changed.
 *
 * An activation is one run of a frame between entering it and leaving it; a generator that
 * yields ends one and begins another when it is resumed. Each thread keeps its own:
 *
 *     thread -> [ main: line 40, last 30 MiB ] [ load: line 7, last 31 MiB ] [ lambda ... ] top
 *
 * A line's increment is the reading when it completes minus the reading when it began, callees
 * included. When an activation ends whose table is open further out on this thread (recursion,
 * a nested function), its growth is already in the table and is taken out of that outer line:
 * the increments of a table sum to the outermost exit minus entry.
 *
 * All functions run under the interpreter's lock and touch only the calling thread.
 */
#ifndef MP_CAPTURE_ACTIVATION_H
#define MP_CAPTURE_ACTIVATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/gate.h"
#include "capture/peak.h"
#include "capture/spending.h"
#include "record/lines.h"

struct mp_tracer;

struct mp_activation {
    const void *frame;           /* identity of the interpreter's frame; never followed */
    struct mp_line_table *table; /* borrowed from the tracer */
    struct mp_tracer *tracer;    /* owned: a reference */
    struct mp_line *row;         /* of the line being run */
    int line;
    bool entered;        /* the entry row is complete, `entry` and `last` are readings */
    int64_t entry;       /* bytes when the activation began */
    int64_t last;        /* bytes when the line being run began */
    bool watched;        /* `peak` is open */
    uint64_t watched_at; /* the gate's changes when it was opened */
    struct mp_peak peak; /* since the line being run began */
    struct mp_spending spending;
};

struct mp_context {
    struct mp_tracer *tracer; /* owned: a reference */
    size_t depth;             /* activations that were open when it was entered */
    bool used;                /* counted one since */
};

struct mp_thread {
    struct mp_gate gate;
    struct mp_activation *stack; /* owned */
    size_t depth, room;
    struct mp_context *contexts; /* owned; tracers entered on this thread, innermost last */
    size_t context_count, context_room;
    uint64_t events;  /* line events handled */
    uint64_t dropped; /* activations lost for want of memory */
    uint64_t strayed; /* events that came for frames nobody traces: wasted work */
};

/* The calling thread's state, made at first use; NULL when memory is short. */
struct mp_thread *mp_thread_self(void);

/* Which gate this thread and those made from now on get. The default is what the environment
   variable MEMORY_PROFILER_GATE says (docs/gates.md), else the best the machine allows. */
void mp_thread_use_gate(enum mp_gate_kind);

/* Begins an activation on `line`. `resumed` tells that it goes on with a line it began before
   (generators); otherwise `line` is the entry row's. */
void mp_activation_begin(struct mp_thread *, const void *frame, struct mp_tracer *,
                         struct mp_line_table *, int line, bool resumed);

/* The activation of `frame`, which becomes the top one; NULL when there is none. */
struct mp_activation *mp_activation_find(struct mp_thread *, const void *frame);

/* The frame is about to run `line`: completes the line before it. */
void mp_activation_line(struct mp_thread *, struct mp_activation *, int line);

/* The top activation ends: completes its line and settles with the outer one. */
void mp_activation_end(struct mp_thread *);

/* Ends every activation above `depth`. */
void mp_activation_unwind(struct mp_thread *, size_t depth);

#endif
