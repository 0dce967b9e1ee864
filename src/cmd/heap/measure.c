#include "cmd/heap/measure.h"

#include <stddef.h>

#include "aggregate/heap/calls.h"
#include "cmd/shared/command.h"
#include "cmd/shared/words.h"

const char mp_heap_measure_words[] = "peak live allocated";
const char mp_heap_measure_or_growth_words[] = "peak live allocated growth";

const char *mp_heap_take_measure(int *measure, const char *value)
{
    *measure = mp_word_of(mp_heap_measure_words, value);
    return *measure < 0 ? "not one of peak, live, allocated" : NULL;
}

const char *mp_heap_take_measure_or_growth(int *measure, const char *value)
{
    *measure = mp_word_of(mp_heap_measure_or_growth_words, value);
    return *measure < 0 ? "not one of peak, live, allocated, growth" : NULL;
}

int mp_heap_settle_measure(const char *command, const struct mp_heap_asked_range *range,
                           bool chosen, int *measure)
{
    bool growth = range->what == MP_HEAP_ASKED_GROWTH;
    if (growth && !chosen)
        *measure = MP_HEAP_MEASURE_GROWTH;
    if (growth || *measure != MP_HEAP_MEASURE_GROWTH)
        return 0;
    mp_fail(
        "%s: growth is from one moment to another: add --since WHEN or --between FROM,TO",
        command);
    return MP_EXIT_USAGE;
}
