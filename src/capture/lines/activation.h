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
#ifndef MP_CAPTURE_LINES_ACTIVATION_H
#define MP_CAPTURE_LINES_ACTIVATION_H

#include <stdbool.h>
#include <stddef.h>

#include "capture/lines/thread.h"
#include "capture/lines/tracer.h"
#include "record/lines.h"

/* Begins an activation on `line`. `resumed` tells that it goes on with a line it began before
   (generators); otherwise `line` is the entry row's. */
void mp_activation_begin(struct mp_thread *, const void *frame, struct mp_tracer *,
                         struct mp_line_table *, int line, bool resumed);

/* The same, on top of others of the same frame. */
void mp_activation_push(struct mp_thread *, const void *frame, struct mp_tracer *,
                        struct mp_line_table *, int line, bool resumed);

/* Rotates the activation at `at` to the top. */
struct mp_activation *mp_activation_raise(struct mp_thread *, size_t at);

/* The activation of `frame`, which becomes the top one; NULL when there is none. */
struct mp_activation *mp_activation_find(struct mp_thread *, const void *frame);

/* The frame is about to run `line`: completes the line before it, for its blocks too. */
void mp_activation_line(struct mp_thread *, struct mp_activation *, int line);

/* The frame of the top activation stops: all that are of it end. Each completes its line and
   settles with the outer one. */
void mp_activation_end(struct mp_thread *);

/* The top activation, a block's, ends alone. What is left of the line of its `with` is ours. */
void mp_activation_close(struct mp_activation *top, struct mp_thread *);

/* Ends every activation above `depth`. */
void mp_activation_unwind(struct mp_thread *, size_t depth);

/* The tracer's tables begin again, elsewhere: so do the lines of its activations. */
void mp_activation_restart(struct mp_thread *, const struct mp_tracer *);

#endif
