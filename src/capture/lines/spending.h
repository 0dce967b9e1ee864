/* Spending: what each line took from Python's allocators and gave back, on its own thread.
 *
 * A thread has one `high` (capture/heap/accounting/flow.h) and many lines are open at once, one for each
 * activation. Whoever reads it at an event restarts it, so it belongs to the innermost line; when
 * that line completes it hands what it saw to the next one out, which began before it:
 *
 *     net     ___/\____________/\/\_____
 *     outer   [---- sees it when inner hands it on ----]
 *     inner       [ sees it first ]                        one comparison at each event
 *
 * Greenlets rotate activations: what others saw while a line waited is put `beside`, since it
 * was handed on already.
 */
#ifndef MP_CAPTURE_LINES_SPENDING_H
#define MP_CAPTURE_LINES_SPENDING_H

#include <stddef.h>

#include "capture/lines/thread.h"

/* The top activation was pushed: what came before it is the outer line's. */
void mp_spending_begin(struct mp_thread *);

/* The top activation's line is complete: charges its row. Before the activation is `entered`
   nothing is charged. */
void mp_spending_complete(struct mp_thread *);

/* `ended` shares its table with `outer`, which shall not count its bytes again. */
void mp_spending_settle(struct mp_activation *outer, const struct mp_activation *ended);

/* The activation at `at` will be the top one: before it is moved. */
void mp_spending_raise(struct mp_thread *, size_t at);

/* Forgets what the activation and its line spent until now. */
void mp_spending_restart(struct mp_activation *);

#endif
