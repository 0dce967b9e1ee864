/* Spending: what each line took from Python's allocators and gave back, on its own thread.
 *
 * A thread has one `high` (capture/flow.h) and many lines are open at once, one for each
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
#ifndef MP_CAPTURE_SPENDING_H
#define MP_CAPTURE_SPENDING_H

#include <stddef.h>
#include <stdint.h>

struct mp_thread;
struct mp_activation;

/* Of an activation whose tracer counts it. Freed is allocated minus net. */
struct mp_spending {
    uint64_t entry_allocated,
        allocated;          /* when the activation began, when its line began; */
    int64_t entry_net, net; /* what the table has of callees is taken out */
    int64_t start;          /* net when the line began, as it was */
    int64_t high;           /* the largest since, not yet handed on */
    int64_t beside;         /* the largest since, handed on by others */
};

/* The top activation was pushed: what came before it is the outer line's. */
void mp_spending_begin(struct mp_thread *);

/* The top activation's line is complete: charges its row. Before the activation is `entered`
   nothing is charged. */
void mp_spending_complete(struct mp_thread *);

/* `ended` shares its table with `outer`, which shall not count its bytes again. */
void mp_spending_settle(struct mp_activation *outer, const struct mp_activation *ended);

/* The activation at `at` will be the top one: before it is moved. */
void mp_spending_raise(struct mp_thread *, size_t at);

#endif
