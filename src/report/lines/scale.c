#include "report/lines/scale.h"

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t size_of(int64_t change)
{
    return change < 0 ? -change : change;
}

static void widen(struct mp_line_scale *scale, const struct mp_line *row)
{
    if (mp_line_is_read(row) && row->memory < scale->least)
        scale->least = row->memory;
    scale->memory = larger(scale->memory, larger(row->memory, row->peak));
    scale->increment = larger(scale->increment, size_of(row->increment));
    scale->moved =
        larger(scale->moved, larger((int64_t)row->allocated, (int64_t)row->freed));
    scale->held = larger(scale->held, larger(size_of(mp_line_net(row)), row->heap_peak));
}

struct mp_line_scale mp_line_scale(const struct mp_function *functions, size_t count,
                                   bool peaks)
{
    struct mp_line_scale scale = {.least = INT64_MAX};
    for (size_t i = 0; i < count; i++)
        for (int at = 0; at < functions[i].table.count; at++) {
            const struct mp_line *row = &functions[i].table.rows[at];
            if (!row->occurrences)
                continue;
            widen(&scale, row);
            int64_t bytes = peaks ? larger(row->memory, row->peak) : row->memory;
            if (bytes > scale.top_bytes) {
                scale.top = &functions[i];
                scale.top_row = at;
                scale.top_bytes = bytes;
            }
        }
    return scale;
}

int mp_line_hottest(const struct mp_line_table *table)
{
    int hottest = -1;
    int64_t most = 0;
    for (int i = 0; i < table->count; i++) {
        const struct mp_line *row = &table->rows[i];
        if (!row->occurrences || row->increment <= most)
            continue;
        most = row->increment;
        hottest = i;
    }
    return hottest;
}
