#include "aggregate/heap_rows.h"

#include <stdlib.h>
#include <string.h>

/* Where `bytes` begin in the text: behind them, or 0. The last one counts. */
static uint32_t behind(const char *text, uint32_t length, const char *bytes)
{
    uint32_t wanted = (uint32_t)strlen(bytes);
    for (uint32_t at = length < wanted ? 0 : length - wanted + 1; at-- > 0;)
        if (!memcmp(text + at, bytes, wanted))
            return at + wanted;
    return 0;
}

/* Behind ".../lib/python3.12/", or 0. */
static uint32_t behind_standard(const char *text, uint32_t length)
{
    uint32_t at = behind(text, length, "/lib/python3.");
    while (at && at < length && text[at] >= '0' && text[at] <= '9')
        at++;
    return at && at < length && text[at] == '/' ? at + 1 : 0;
}

struct mp_heap_text mp_heap_module(const struct mp_heap_view *view,
                                   struct mp_heap_text file)
{
    static const char frozen[] = "<frozen ";
    const char *text = view->text + file.offset;
    uint32_t start = behind(text, file.length, "/site-packages/");
    if (!start)
        start = behind(text, file.length, "/dist-packages/");
    if (!start)
        start = behind_standard(text, file.length);
    if (!start && file.length > sizeof frozen && !memcmp(text, frozen, sizeof frozen - 1))
        start = sizeof frozen - 1;
    if (!start)
        return file;
    uint32_t end = start;
    while (end < file.length && !strchr("/.>", text[end]))
        end++;
    return (struct mp_heap_text){file.offset + start, end - start};
}

static int compare_modules(const struct mp_heap_view *view, const struct mp_heap_code *a,
                           const struct mp_heap_code *b)
{
    return mp_heap_text_compare(view, mp_heap_module(view, a->file),
                                mp_heap_module(view, b->file));
}

/* Orders rows by what they are grouped by. */
static int compare_keys(const void *left, const void *right, void *context)
{
    const struct mp_heap_rows *rows = context;
    const struct mp_heap_line *a = left, *b = right;
    const struct mp_heap_code *codes = rows->view->codes;
    const struct mp_heap_code *x = &codes[a->code], *y = &codes[b->code];
    if (rows->group == MP_HEAP_EACH_MODULE)
        return compare_modules(rows->view, x, y);
    int order = mp_heap_text_compare(rows->view, x->file, y->file);
    if (order || rows->group == MP_HEAP_EACH_FILE)
        return order;
    if (rows->group == MP_HEAP_EACH_LINE)
        order = (a->line > b->line) - (a->line < b->line);
    if (!order)
        order = mp_heap_text_compare(rows->view, x->name, y->name);
    if (!order && rows->group == MP_HEAP_EACH_FUNCTION)
        order = (x->first_line > y->first_line) - (x->first_line < y->first_line);
    return order;
}

/* One row for each key; rows are in their order. */
static void group(struct mp_heap_rows *rows)
{
    size_t count = 0;
    for (size_t i = 0; i < rows->count; i++) {
        struct mp_heap_line row = rows->rows[i];
        mp_heap_line_add(&rows->whole, &row);
        if (rows->group != MP_HEAP_EACH_LINE)
            row.line = 0;
        if (count && !compare_keys(&rows->rows[count - 1], &row, rows))
            mp_heap_line_add(&rows->rows[count - 1], &row);
        else
            rows->rows[count++] = row;
    }
    rows->count = count;
}

int mp_heap_rows_init(struct mp_heap_rows *rows, const struct mp_heap_view *view,
                      enum mp_heap_group by)
{
    struct mp_heap_lines lines;
    *rows = (struct mp_heap_rows){.view = view, .group = by};
    if (mp_heap_lines_init(&lines, view, NULL))
        return -1;
    rows->rows = lines.lines; /* taken over */
    rows->count = lines.count;
    if (rows->count)
        qsort_r(rows->rows, rows->count, sizeof *rows->rows, compare_keys, rows);
    group(rows);
    return 0;
}

void mp_heap_rows_release(struct mp_heap_rows *rows)
{
    free(rows->rows);
    *rows = (struct mp_heap_rows){0};
}

struct ordering {
    struct mp_heap_rows *rows;
    enum mp_heap_column column;
};

static double weight_of(const struct mp_heap_line *row, const struct ordering *by)
{
    switch (by->column) {
    case MP_HEAP_AT_PEAK:
        return (double)row->at_peak;
    case MP_HEAP_LIVE:
        return (double)row->live;
    case MP_HEAP_TOTAL:
        return (double)row->total;
    case MP_HEAP_ALLOCATIONS:
        return (double)row->blocks;
    case MP_HEAP_TEMPORARY:
        return (double)row->temporary;
    case MP_HEAP_SHARE:
        return mp_heap_line_share(row, &by->rows->whole);
    }
    return 0;
}

static int compare_weights(const void *left, const void *right, void *context)
{
    const struct ordering *by = context;
    double a = weight_of(left, by), b = weight_of(right, by);
    return a != b ? (a < b ? 1 : -1) : compare_keys(left, right, by->rows);
}

void mp_heap_rows_sort(struct mp_heap_rows *rows, enum mp_heap_column column)
{
    struct ordering by = {rows, column};
    if (rows->count)
        qsort_r(rows->rows, rows->count, sizeof *rows->rows, compare_weights, &by);
}

struct mp_heap_line mp_heap_rows_rest(const struct mp_heap_rows *rows, size_t first)
{
    struct mp_heap_line sum = {0};
    for (size_t i = first; i < rows->count; i++)
        mp_heap_line_add(&sum, &rows->rows[i]);
    return sum;
}
