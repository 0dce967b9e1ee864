#include "aggregate/heap/rows.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/heap/distinct.h"
#include "aggregate/heap/paths.h"

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

/* Of each code. Without memory they are found each time. */
static struct mp_heap_text *find_modules(const struct mp_heap_view *view)
{
    struct mp_heap_distinct distinct;
    struct mp_heap_text *modules = NULL;
    if (!mp_heap_distinct_init(&distinct, view))
        modules = calloc(view->counts[MP_HEAP_CODES] + 1, sizeof *modules);
    for (size_t i = 0; modules && i < distinct.count; i++)
        distinct.files[i] = mp_heap_module(view, distinct.files[i]);
    for (size_t i = 1; modules && i < view->counts[MP_HEAP_CODES]; i++)
        modules[i] = distinct.files[distinct.numbers[i]];
    mp_heap_distinct_release(&distinct);
    return modules;
}

static struct mp_heap_text module_of(const struct mp_heap_rows *rows, uint32_t code)
{
    return rows->modules ? rows->modules[code]
                         : mp_heap_module(rows->view, rows->view->codes[code].file);
}

/* Orders rows by what they are grouped by. */
static int compare_keys(const void *left, const void *right, void *context)
{
    const struct mp_heap_rows *rows = context;
    const struct mp_heap_line *a = left, *b = right;
    if (mp_heap_rows_are_processes(rows))
        return (a->line > b->line) - (a->line < b->line);
    const struct mp_heap_code *codes = rows->view->codes;
    const struct mp_heap_code *x = &codes[a->code], *y = &codes[b->code];
    if (rows->group == MP_HEAP_EACH_MODULE)
        return mp_heap_text_compare(rows->view, module_of(rows, a->code),
                                    module_of(rows, b->code));
    int order = mp_heap_text_compare(rows->view, x->file, y->file);
    if (order || rows->group == MP_HEAP_EACH_FILE)
        return order;
    if (mp_heap_rows_are_lines(rows))
        order = (a->line > b->line) - (a->line < b->line);
    if (!order)
        order = mp_heap_text_compare(rows->view, x->name, y->name);
    if (!order && rows->group == MP_HEAP_EACH_FUNCTION)
        order = (x->first_line > y->first_line) - (x->first_line < y->first_line);
    return order;
}

/* Which row the lines are in, by their numbers; what runs no code calls nothing: its lines' figures
   are all they have. */
struct grouping {
    uint32_t *rows; /* owned */
    struct mp_heap_sum nowhere;
    uint32_t nowhere_row;
};

/* One row for each key; rows are in their order. */
static void group(struct mp_heap_rows *rows, struct grouping *grouping)
{
    size_t count = 0;
    for (size_t i = 0; i < rows->count; i++) {
        struct mp_heap_line row = rows->rows[i];
        mp_heap_line_add(&rows->whole, &row);
        if (!mp_heap_rows_are_lines(rows) && !mp_heap_rows_are_processes(rows))
            row.line = 0;
        if (count && !compare_keys(&rows->rows[count - 1], &row, rows))
            mp_heap_line_add(&rows->rows[count - 1], &row);
        else
            rows->rows[count++] = row;
        grouping->rows[row.number] = (uint32_t)count;
        if (row.code)
            continue;
        mp_heap_sum_add(&grouping->nowhere, &row.cumulative);
        grouping->nowhere_row = (uint32_t)count;
    }
    rows->count = count;
}

static void fill_places(const struct mp_heap_rows *rows, const struct mp_heap_lines *lines,
                        const struct grouping *grouping, uint32_t *places)
{
    for (size_t i = 0; i < rows->view->counts[MP_HEAP_NODES]; i++)
        places[i] = rows->view->nodes[i].code ? grouping->rows[lines->places[i]] : 0;
}

/* With callees, of rows that are several lines each. */
static int add_callees(struct mp_heap_rows *rows, const struct mp_heap_lines *lines,
                       const struct grouping *grouping)
{
    size_t nodes = rows->view->counts[MP_HEAP_NODES];
    uint32_t *places = calloc(nodes + 1, sizeof *places);
    struct mp_heap_sum *sums = calloc(rows->count + 1, sizeof *sums);
    if (places)
        fill_places(rows, lines, grouping, places);
    int failed = !places || !sums ||
                 mp_heap_inclusive_sum(&lines->inclusive, places, rows->count, sums);
    if (!failed)
        mp_heap_sum_add(&sums[grouping->nowhere_row], &grouping->nowhere);
    for (size_t i = 0; i < rows->count && !failed; i++)
        rows->rows[i].cumulative = sums[i + 1];
    free(places);
    free(sums);
    return failed ? -1 : 0;
}

/* The user's lines in the place of all. */
static int take_yours(struct mp_heap_rows *rows, const struct mp_heap_lines *lines)
{
    struct mp_heap_your_lines yours;
    if (mp_heap_your_lines_init(&yours, rows->view, lines))
        return -1;
    rows->rows = calloc(yours.count + 1, sizeof *rows->rows);
    for (size_t i = 0; rows->rows && i < yours.count; i++)
        rows->rows[rows->count++] = yours.lines[i].line;
    rows->elsewhere = yours.elsewhere;
    mp_heap_line_add(&rows->whole, &yours.elsewhere);
    mp_heap_your_lines_release(&yours);
    return rows->rows ? 0 : -1;
}

static int take_lines(struct mp_heap_rows *rows, struct mp_heap_lines *lines)
{
    if (rows->group == MP_HEAP_EACH_YOUR_LINE)
        return take_yours(rows, lines);
    rows->rows = lines->lines;
    rows->count = mp_heap_rows_are_processes(rows) ? lines->count : lines->all;
    lines->lines = NULL;
    return 0;
}

static int group_lines(struct mp_heap_rows *rows, const struct mp_heap_lines *lines)
{
    size_t count = rows->count;
    struct grouping grouping = {.rows = calloc(lines->numbers + 1, sizeof *grouping.rows)};
    if (!grouping.rows)
        return -1;
    if (count)
        qsort_r(rows->rows, count, sizeof *rows->rows, compare_keys, rows);
    group(rows, &grouping);
    int failed = rows->count < count ? add_callees(rows, lines, &grouping) : 0;
    free(grouping.rows);
    return failed;
}

int mp_heap_rows_init(struct mp_heap_rows *rows, const struct mp_heap_view *view,
                      struct mp_heap_lines *lines, enum mp_heap_grouping by)
{
    *rows = (struct mp_heap_rows){.view = view,
                                  .group = by,
                                  .modules =
                                      by == MP_HEAP_EACH_MODULE ? find_modules(view) : NULL,
                                  .own = lines->own,
                                  .whole = lines->own};
    int failed = take_lines(rows, lines) || group_lines(rows, lines);
    mp_heap_lines_release(lines);
    struct mp_heap_line *whole = &rows->whole;
    whole->cumulative =
        (struct mp_heap_sum){whole->at_peak, whole->live, whole->total, whole->growth};
    if (failed)
        mp_heap_rows_release(rows);
    return failed ? -1 : 0;
}

void mp_heap_rows_release(struct mp_heap_rows *rows)
{
    free(rows->modules);
    free(rows->rows);
    *rows = (struct mp_heap_rows){0};
}

void mp_heap_rows_drop_callers(struct mp_heap_rows *rows)
{
    size_t count = 0;
    for (size_t i = 0; i < rows->count; i++)
        if (mp_heap_line_is_used(&rows->rows[i]))
            rows->rows[count++] = rows->rows[i];
    rows->count = count;
}

static double weight_of(const struct mp_heap_line *row, const struct mp_heap_rows *rows)
{
    switch (rows->column) {
    case MP_HEAP_AT_PEAK:
        return (double)row->at_peak;
    case MP_HEAP_CUMULATIVE:
        return (double)row->cumulative.at_peak;
    case MP_HEAP_LIVE:
        return (double)row->live;
    case MP_HEAP_TOTAL:
        return (double)row->total;
    case MP_HEAP_ALLOCATIONS:
        return (double)row->blocks;
    case MP_HEAP_TEMPORARY:
        return (double)row->temporary;
    case MP_HEAP_BLOCKS_AT_PEAK:
        return (double)row->blocks_at_peak;
    case MP_HEAP_GROWTH:
        return (double)mp_heap_magnitude(row->growth);
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

/* What grew and what shrank, not what is left of both. */
static double sum_of_growth(const struct mp_heap_rows *rows)
{
    double sum = 0;
    for (size_t i = 0; i < rows->count; i++)
        sum += (double)mp_heap_magnitude(rows->rows[i].growth);
    return sum;
}

size_t mp_heap_rows_from(const struct mp_heap_rows *rows, double share)
{
    size_t count = 0;
    double least = share * (rows->column == MP_HEAP_GROWTH ? sum_of_growth(rows)
                                                           : weight_of(&rows->whole, rows));
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
