/* What line tracing keeps for each thread: the functions it is in (capture/lines/activation.h) and the
 * tracers entered on it (capture/lines/binding.h), innermost last, with the gate they read through.
 */
#ifndef MP_CAPTURE_LINES_THREAD_H
#define MP_CAPTURE_LINES_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/lines/gate.h"
#include "capture/process/peak.h"
#include "record/lines.h"

struct mp_tracer;

/* What an activation's line spent (capture/lines/spending.h), where its tracer counts it. Freed is
   allocated minus net. */
struct mp_spending {
    uint64_t entry_allocated,
        allocated;          /* when the activation began, when its line began; */
    int64_t entry_net, net; /* what the table has of callees is taken out */
    int64_t start;          /* net when the line began, as it was */
    int64_t high;           /* the largest since, not yet handed on */
    int64_t beside;         /* the largest since, handed on by others */
};

struct mp_activation {
    const void *frame;           /* identity of the interpreter's frame; never followed */
    struct mp_line_table *table; /* borrowed from the tracer */
    struct mp_tracer *tracer;    /* owned: a reference */
    struct mp_line *row;         /* of the line being run */
    int line;
    bool block;          /* of a block of the frame (capture/lines/block.h) */
    bool moved;          /* a line event came */
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
    unsigned blocks;  /* activations on the stack that are of blocks */
    uint64_t events;  /* line events handled */
    uint64_t dropped; /* activations lost for want of memory */
    uint64_t strayed; /* events that came for frames nobody traces: wasted work */
};

/* The calling thread's state, made at first use; NULL when memory is short. */
struct mp_thread *mp_thread_self(void);

/* Which gate this thread and those made from now on get. The default is what the environment
   variable MEMORY_PROFILER_GATE says (docs/gates.md), else the best the machine allows. */
void mp_thread_use_gate(enum mp_gate_kind);

#endif
