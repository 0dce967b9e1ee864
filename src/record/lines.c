#include "record/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int mp_line_table_init(struct mp_line_table *table, int first, int last, int entry)
{
    *table = (struct mp_line_table){.first = first, .entry = entry, .baseline = -1};
    int64_t count = (int64_t)last - first + 1;
    if (count < 1 || count > INT32_MAX) {
        errno = EINVAL;
        return -1;
    }
    table->rows = calloc((size_t)count, sizeof *table->rows);
    if (!table->rows)
        return -1;
    table->count = (int)count;
    /* Touch the pages now: a fault while the user's line runs would be charged to it. */
    if (count <= 65536)
        for (int i = 0; i < table->count; i += 64)
            *(volatile int64_t *)&table->rows[i].memory = 0;
    return 0;
}

void mp_line_table_release(struct mp_line_table *table)
{
    if (!table->place)
        free(table->rows);
    *table = (struct mp_line_table){.baseline = -1};
}

void mp_line_table_move(struct mp_line_table *table, struct mp_lines_place *place)
{
    /* The old rows are not freed: another thread may stand in one of them. */
    table->place = place;
    table->rows = place->rows;
    table->baseline = place->baseline = -1;
}

int64_t mp_line_table_increment(const struct mp_line_table *table, int line)
{
    const struct mp_line *row = mp_line_table_row(table, line);
    if (!row)
        return 0;
    return row->increment +
           (line == table->entry && table->baseline > 0 ? table->baseline : 0);
}
