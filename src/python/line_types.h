/* The type that grew most at each line of a tracer: of what a line allocated, its callees without a table of
 * their own included, the type that has had most live when the blocks were counted.
 *
 *     census: stack, type, bytes ─► the innermost line of a table on the stack ─► its largest type so far
 *
 * They are counted while a function's frame is about to go: what its locals hold is live. At most a hundredth of
 * the time, but for the first so many.
 */
#ifndef MP_PYTHON_LINE_TYPES_H
#define MP_PYTHON_LINE_TYPES_H

#include "python/door.h"

struct mp_tracer;

/* From here on it has them. 0, or -1 with errno ENOMEM. A recording runs for as long as it does. */
int mp_line_types_want(struct mp_tracer *);
void mp_line_types_release(struct mp_tracer *);

/* Counts now. With the interpreter's lock; an exception that is set stays. */
void mp_line_types_take(struct mp_tracer *);

/* (type, objects, bytes) of a row of the table of this number; None: nothing grew there. */
PyObject *mp_line_types_of(const struct mp_tracer *, size_t table, int row);

#endif
