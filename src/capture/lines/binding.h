/* Bindings: which code object feeds which tracer's table, and who counts a run of it.
 *
 * A code object can belong to several tracers (the imported decorator makes one per call). An
 * activation is counted by the tracer that was entered on its thread for it, else by its caller's,
 * else by the innermost entered on the thread that knows the code, else by the newest that is
 * entered on any thread, else by none. Code bound as `always` (generators,
 * which run long after the call that made them returned) counts without an enter.
 */
#ifndef MP_CAPTURE_LINES_BINDING_H
#define MP_CAPTURE_LINES_BINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "capture/lines/thread.h"
#include "capture/lines/tracer.h"
#include "record/lines.h"

/* The table that a code object (top-level or nested) feeds; NULL when the tracer does not know
   it. */
struct mp_line_table *mp_tracer_table(const struct mp_tracer *, const void *code);

/* Whether any tracer knows this code object. */
bool mp_tracer_is_bound(const void *code);

/* Charges what `code` does to a table of the tracer; `always`: also while nobody entered it.
   0, or -1 with errno. */
int mp_tracer_bind(struct mp_tracer *, const void *code, struct mp_line_table *,
                   bool always);

/* Keeps the events of `code` on for blocks in it; its calls are nobody's by this. */
int mp_tracer_bind_block(struct mp_tracer *, const void *code, struct mp_line_table *);

/* Moves the tables from number `from` on into a file, each behind the one before, where they
   begin again: in a forked child (its one thread calls) and in one that has only begun. `offset`
   is a page's; the file has the room. The mapping stays to the end of the process, which it
   serves. 0, or -1 with errno. */
int mp_tracer_place(struct mp_tracer *, int fd, off_t offset, size_t from);

/* Undoes all bindings of the tracer; calls `freed(code)` for codes nobody traces any more. */
void mp_tracer_unbind(struct mp_tracer *, void (*freed)(const void *code));

/* Counts what the calling thread does from here on / until here. Leaving ends activations that
   the tracer's context left open. 0, or -1 with errno. */
int mp_tracer_enter(struct mp_tracer *);
void mp_tracer_leave(struct mp_tracer *);

/* Who counts a run of `code` that begins now on this thread. False: nobody. */
bool mp_tracer_choose(const struct mp_thread *, const void *code, struct mp_tracer **tracer,
                      struct mp_line_table **table);

#endif
