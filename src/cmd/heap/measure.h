/* The option that says by what a capture is shown. */
#ifndef MP_CMD_HEAP_MEASURE_H
#define MP_CMD_HEAP_MEASURE_H

#include <stdbool.h>

#include "cmd/heap/range.h"

enum { MP_HEAP_KEY_MEASURE = 768 };

/* "peak live allocated", in the order of enum mp_heap_measure. */
extern const char mp_heap_measure_words[];

#define MP_HEAP_OPTION_MEASURE                                                    \
    {                                                                             \
        MP_HEAP_KEY_MEASURE, "measure", "WHAT",                                   \
            "bytes at the peak (default), live at the end, or allocated in all: " \
            "peak, live or allocated",                                            \
            mp_heap_measure_words                                                 \
    }

/* The same where growth can be shown, too. */
extern const char mp_heap_measure_or_growth_words[];

#define MP_HEAP_OPTION_MEASURE_OR_GROWTH                                          \
    {                                                                             \
        MP_HEAP_KEY_MEASURE, "measure", "WHAT",                                   \
            "bytes at the peak (default), live at the end, allocated in all, or " \
            "growth (default with --since): peak, live, allocated or growth",     \
            mp_heap_measure_or_growth_words                                       \
    }

/* NULL, or what is wrong with the value. */
const char *mp_heap_take_measure(int *measure, const char *value);
const char *mp_heap_take_measure_or_growth(int *measure, const char *value);

/* Growth is what a range is asked for, and needs one. `chosen`: the measure was. 0, or the exit code,
   and why was said. */
int mp_heap_settle_measure(const char *command, const struct mp_heap_asked_range *,
                           bool chosen, int *measure);

#endif
