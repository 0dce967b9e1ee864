#include "aggregate/heap_rows.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/heap_paths.h"

struct mp_heap_text mp_heap_module(const struct mp_heap_view *view,
                                   struct mp_heap_text file)
{
    static const char frozen[] = "<frozen ";
    struct mp_heap_text name = mp_heap_installed(view, file);
    const char *text = view->text + name.offset;
    uint32_t start = sizeof frozen - 1, end;
    bool is_frozen = name.length > start && !memcmp(text, frozen, start);
    if (name.length == file.length && !is_frozen)
        return file;
    start = is_frozen ? start : 0;
    for (end = start; end < name.length && !strchr("/.>", text[end]);)
        end++;
    return (struct mp_heap_text){name.offset + start, end - start};
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
    if (rows->group == MP_HEAP_EACH_PROCESS)
        return (a->line > b->line) - (a->line < b->line);
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
        if (rows->group != MP_HEAP_EACH_LINE && rows->group != MP_HEAP_EACH_PROCESS)
            row.line = 0;
        if (count && !compare_keys(&rows->rows[count - 1], &row, rows))
            mp_heap_line_add(&rows->rows[count - 1], &row);
        else
            rows->rows[count++] = row;
    }
    rows->count = count;
}

void mp_heap_rows_init(struct mp_heap_rows *rows, const struct mp_heap_view *view,
                       struct mp_heap_lines *lines, enum mp_heap_grouping by)
{
    *rows = (struct mp_heap_rows){.view = view,
                                  .group = by,
                                  .rows = lines->lines,
                                  .count = lines->count,
                                  .own = lines->own,
                                  .whole = lines->own};
    *lines = (struct mp_heap_lines){0};
    if (rows->count)
        qsort_r(rows->rows, rows->count, sizeof *rows->rows, compare_keys, rows);
    group(rows);
}

void mp_heap_rows_release(struct mp_heap_rows *rows)
{
    free(rows->rows);
    *rows = (struct mp_heap_rows){0};
}

static double weight_of(const struct mp_heap_line *row, const struct mp_heap_rows *rows)
{
    switch (rows->column) {
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
        return mp_heap_line_share(row, &rows->whole);
    }
    return 0;
}

static int compare_weights(const void *left, const void *right, void *context)
{
    const struct mp_heap_rows *rows = context;
    double a = weight_of(left, rows), b = weight_of(right, rows);
    return a != b ? (a < b ? 1 : -1) : compare_keys(left, right, context);
}

void mp_heap_rows_sort(struct mp_heap_rows *rows, enum mp_heap_column column)
{
    rows->column = column;
    if (rows->count)
        qsort_r(rows->rows, rows->count, sizeof *rows->rows, compare_weights, rows);
}

size_t mp_heap_rows_from(const struct mp_heap_rows *rows, double share)
{
    size_t count = 0;
    double least = share * weight_of(&rows->whole, rows);
    while (count < rows->count && weight_of(&rows->rows[count], rows) >= least)
        count++;
    return count ? count : rows->count;
}

struct mp_heap_line mp_heap_rows_rest(const struct mp_heap_rows *rows, size_t first)
{
    struct mp_heap_line sum = {0};
    for (size_t i = first; i < rows->count; i++)
        mp_heap_line_add(&sum, &rows->rows[i]);
    return sum;
}
