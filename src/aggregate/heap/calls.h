/* A flame graph to be read from the outermost call in: what each frame allocated itself, its callees
 * in order, and which frames are the same place in the code.
 *
 *     main:3 ─┬─ load:7 ── parse:9         in this order: main:3, load:7, parse:9, load:8
 *             └─ load:8
 */
#ifndef MP_AGGREGATE_HEAP_CALLS_H
#define MP_AGGREGATE_HEAP_CALLS_H

#include "aggregate/heap/flame.h"

enum mp_heap_measure {
    MP_HEAP_MEASURE_PEAK,
    MP_HEAP_MEASURE_LIVE,
    MP_HEAP_MEASURE_ALLOCATED,
    MP_HEAP_MEASURE_GROWTH, /* signed; 0 where no range was asked for */
    MP_HEAP_MEASURES
};

struct mp_heap_amount {
    int64_t bytes, blocks;
};

/* Of a line's figures, those of a measure. */
struct mp_heap_amount mp_heap_amount_of(const struct mp_heap_line *, enum mp_heap_measure);

/* What several frames may be: a function and line, or one of the kinds that are neither. The first
   is where no Python code was running: the flame's root. */
struct mp_heap_spot {
    uint32_t code;
    int line;
    enum mp_flame_kind kind;
};

struct mp_flame_calls {
    const struct mp_flame *flame; /* borrowed */
    struct mp_heap_amount (
        *own)[MP_HEAP_MEASURES]; /* owned as all; of each frame, callees not included */
    uint32_t *first_callee, *sibling; /* of each frame; 0: none */
    uint32_t *numbers;                /* of each frame: its spot */
    struct mp_heap_spot *spots;
    size_t spot_count;
};

/* Callees with most of the measure come first. 0, or -1 with errno ENOMEM. The caller releases it
   either way. */
int mp_flame_calls_init(struct mp_flame_calls *, const struct mp_flame *,
                        enum mp_heap_measure);
void mp_flame_calls_release(struct mp_flame_calls *);

/* The frame behind this one, callees before siblings; from the root, 0, back to 0. */
uint32_t mp_flame_calls_next(const struct mp_flame_calls *, uint32_t frame);

#endif
