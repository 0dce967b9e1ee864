/* Tables as text: figures as wide as they are, places in what is left of the terminal. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/heap/groups.h"
#include "report/heap/marks.h"
#include "report/heap/range.h"
#include "report/heap/summary.h"
#include "report/heap/table.h"

enum { GAP = 2, LEAST_PLACE = 20, GOOD_PLACE = 32 };

static void put_process(FILE *out, const struct mp_heap_table_options *options,
                        const struct mp_heap_view *view,
                        const struct mp_heap_process *process, int columns)
{
    static const char mostly[] = ", mostly ";
    char words[MP_HEAP_IDENTITY], *name = NULL;
    const char *what = *process->command ? process->command : process->file;
    mp_heap_identity_words(process, mp_heap_hosts(options->processes) > 1, words);
    if (asprintf(&name, "%s%s%s", words, *words ? ": " : "", what) < 0)
        return;
    mp_heap_put_text(out, options->style, name, strlen(name), columns, MP_HEAP_CUT_END);
    int left = columns - (int)strlen(name) - (int)strlen(mostly);
    if (process->code && (!columns || left > LEAST_PLACE)) {
        fputs(mostly, out);
        mp_heap_put_place(out, options->style, view, process->code, process->line,
                          columns ? left : 0);
    }
    free(name);
}

static void put_place(FILE *out, const struct mp_heap_table_options *options,
                      const struct mp_heap_rows *table, const struct mp_heap_line *row,
                      int columns)
{
    const struct mp_heap_view *view = table->view;
    const struct mp_heap_code *code = &view->codes[row->code];
    struct mp_heap_text name =
        table->group == MP_HEAP_EACH_MODULE ? mp_heap_module(view, code->file) : code->file;
    bool is_function = table->group <= MP_HEAP_EACH_FUNCTION;
    const struct mp_heap_process *process = mp_heap_process_of(options, row);
    if (process)
        put_process(out, options, view, process, columns);
    else if (row->importing && table->group <= MP_HEAP_EACH_FILE)
        fputs(MP_HEAP_IMPORTING, out);
    else if (is_function)
        mp_heap_put_place(out, options->style, view, row->code,
                          mp_heap_rows_are_lines(table) ? row->line : code->first_line,
                          columns);
    else if (!name.length)
        fputs("(no Python code running)", out);
    else
        mp_heap_put_file(out, options->style, view, name, columns);
}

enum column {
    GROWTH,
    AT_PEAK,
    TOTAL,
    LIVE,
    ALLOCATED,
    ALLOCATIONS,
    TEMPORARY,
    MOST_RSS,
    PID,
    MEMBERS,
    COLUMNS
};

static const char *const titles[COLUMNS] = {
    "growth",      "at peak",   "total",    "live", "allocated",
    "allocations", "temporary", "most RSS", "pid",  "processes"};

/* As wide as what stands in them: the place has the rest. */
struct columns {
    const struct mp_heap_rows *table;
    const struct mp_heap_table_options *options;
    enum column order[COLUMNS]; /* those that are shown */
    int count;
    bool tight; /* errors of samples in short */
    int errors; /* so many of the sizes that are shown have theirs */
    int widths[COLUMNS], total;
};

static void show(struct columns *columns, enum column column)
{
    columns->order[columns->count++] = column;
}

/* The column that rows are sorted by, and behind it the same with callees. */
static enum column sorted_by(const struct mp_heap_rows *table)
{
    switch (table->column) {
    case MP_HEAP_LIVE:
        return LIVE;
    case MP_HEAP_TOTAL:
        return ALLOCATED;
    case MP_HEAP_ALLOCATIONS:
        return ALLOCATIONS;
    case MP_HEAP_TEMPORARY:
        return TEMPORARY;
    case MP_HEAP_GROWTH:
        return GROWTH;
    default:
        return AT_PEAK;
    }
}

/* Of processes not all has room: of allocations and temporary blocks what they are sorted by. */
static void choose(struct columns *columns)
{
    bool tags = columns->table->group == MP_HEAP_EACH_TAG;
    bool processes = mp_heap_rows_are_processes(columns->table) && !tags;
    enum column sorted = sorted_by(columns->table);
    enum column measure = sorted <= ALLOCATED ? sorted : AT_PEAK;
    enum column first = columns->table->view->growth ? GROWTH : AT_PEAK;
    for (enum column i = first; i <= TEMPORARY; i++) {
        bool other = i == (sorted == TEMPORARY ? ALLOCATIONS : TEMPORARY);
        if (i != TOTAL && !(processes && other))
            show(columns, i);
        if (i == measure && !processes && !tags)
            show(columns, TOTAL);
    }
    if (!processes)
        return;
    show(columns, MOST_RSS);
    show(columns, columns->table->group == MP_HEAP_EACH_PROCESS ? PID : MEMBERS);
}

/* The next narrower choice: errors in short, then of fewer columns, then fewer columns; what rows are
   sorted by and the bytes at the peak stay. False: there is none. */
static bool narrow(struct columns *columns)
{
    static const enum column least[] = {TEMPORARY, ALLOCATIONS, ALLOCATED, LIVE};
    bool sampled = columns->table->view->header->sample;
    if (sampled && !columns->tight)
        return columns->tight = true;
    if (sampled && columns->errors > 1)
        return columns->errors--;
    for (size_t i = 0; i < sizeof least / sizeof *least; i++)
        for (int at = 0; at < columns->count; at++) {
            bool total = at + 1 < columns->count && columns->order[at + 1] == TOTAL;
            if (columns->order[at] != least[i] || total ||
                least[i] == sorted_by(columns->table))
                continue;
            memmove(&columns->order[at], &columns->order[at + 1],
                    (size_t)(--columns->count - at) * sizeof *columns->order);
            return true;
        }
    return false;
}

/* A row's figures as they stand. */
struct cells {
    char text[COLUMNS][MP_HEAP_FIGURE];
};

static int64_t signed_size(uint64_t bytes)
{
    return bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes;
}

/* What stands in the column of totals; of sums of rows nothing. */
static int64_t total_of(const struct columns *columns, const struct mp_heap_line *row)
{
    enum column sorted = sorted_by(columns->table);
    return sorted == LIVE        ? row->cumulative.live
           : sorted == GROWTH    ? row->cumulative.growth
           : sorted == ALLOCATED ? signed_size(row->cumulative.total)
                                 : row->cumulative.at_peak;
}

static void put_sizes(const struct columns *columns, const struct mp_heap_line *row,
                      struct cells *cells)
{
    const struct mp_heap_header *header = columns->table->view->header;
    const int64_t sizes[] = {[GROWTH] = row->growth,
                             [AT_PEAK] = row->at_peak,
                             [TOTAL] = total_of(columns, row),
                             [LIVE] = row->live,
                             [ALLOCATED] = mp_heap_line_total(row)};
    bool has_total = row->number || row == &columns->table->whole;
    for (int i = 0, shown = 0; i < columns->count; i++) {
        enum column column = columns->order[i];
        char *text = cells->text[column];
        if (column > ALLOCATED || (column == TOTAL && !has_total))
            continue;
        if (shown++ >= columns->errors)
            mp_heap_size(sizes[column], text);
        else if (columns->tight)
            mp_heap_tight_estimate(header, sizes[column], text);
        else
            mp_heap_estimate(header, sizes[column], text);
    }
}

static struct cells cells_of(const struct columns *columns, const struct mp_heap_line *row)
{
    const struct mp_heap_process *process = mp_heap_process_of(columns->options, row);
    struct cells cells = {0};
    put_sizes(columns, row, &cells);
    mp_heap_blocks(row->blocks, row->total, cells.text[ALLOCATIONS]);
    mp_heap_blocks(row->temporary, row->blocks ? 0 : row->total, cells.text[TEMPORARY]);
    if (process && process->most_rss < 0)
        strcpy(cells.text[MOST_RSS], "-");
    else if (process)
        mp_heap_size(process->most_rss, cells.text[MOST_RSS]);
    if (process)
        snprintf(cells.text[PID], sizeof cells.text[PID], "%" PRId64, process->pid);
    if (process)
        snprintf(cells.text[MEMBERS], sizeof cells.text[MEMBERS], "%zu", process->members);
    return cells;
}

static void widen(struct columns *columns, const struct mp_heap_line *row)
{
    struct cells cells = cells_of(columns, row);
    for (int i = 0; i < COLUMNS; i++)
        if ((int)strlen(cells.text[i]) > columns->widths[i])
            columns->widths[i] = (int)strlen(cells.text[i]);
}

static void put_columns(FILE *out, const struct columns *columns, const char *const *texts)
{
    for (int i = 0; i < columns->count; i++)
        fprintf(out, "%*s%*s", columns->widths[columns->order[i]], texts[columns->order[i]],
                GAP, "");
}

static void put_cells(FILE *out, const struct columns *columns,
                      const struct mp_heap_line *row)
{
    struct cells cells = cells_of(columns, row);
    const char *texts[COLUMNS];
    for (int i = 0; i < COLUMNS; i++)
        texts[i] = cells.text[i];
    put_columns(out, columns, texts);
}

static void measure(struct columns *columns, size_t shown, const struct mp_heap_line *rest)
{
    columns->total = 0;
    for (int i = 0; i < COLUMNS; i++)
        columns->widths[i] = (int)strlen(titles[i]);
    for (size_t i = 0; i < shown; i++)
        widen(columns, &columns->table->rows[i]);
    widen(columns, rest);
    widen(columns, &columns->table->whole);
    for (int i = 0; i < columns->count; i++)
        columns->total += columns->widths[columns->order[i]] + GAP;
}

static struct columns columns_for(const struct mp_heap_rows *table,
                                  const struct mp_heap_table_options *options, size_t shown,
                                  const struct mp_heap_line *rest)
{
    int width = options->style->width;
    struct columns columns = {.table = table, .options = options, .errors = COLUMNS};
    choose(&columns);
    do
        measure(&columns, shown, rest);
    while (width && columns.total + GOOD_PLACE > width && narrow(&columns));
    return columns;
}

static int room_for_place(const struct columns *columns, const struct mp_heap_style *style,
                          int marked)
{
    int room = style->width - columns->total - marked;
    return !style->width ? 0 : room > LEAST_PLACE ? room : LEAST_PLACE;
}

static void put_name(FILE *out, const struct mp_heap_table_options *options,
                     const struct columns *columns, const char *name)
{
    mp_heap_put_text(out, options->style, name, strlen(name),
                     room_for_place(columns, options->style, 0), MP_HEAP_CUT_END);
}

static void put_row(FILE *out, const struct columns *columns,
                    const struct mp_heap_line *row)
{
    char words[MP_HEAP_MARK_WORDS];
    const struct mp_heap_rows *table = columns->table;
    put_cells(out, columns, row);
    mp_heap_mark_words(table->group > MP_HEAP_EACH_FUNCTION
                           ? row->marks
                           : mp_heap_unnamed_marks(table->view, row),
                       words);
    const struct mp_heap_style *style = columns->options->style;
    mp_heap_begin_place(out, style, row->users);
    put_place(out, columns->options, table, row,
              room_for_place(columns, style, (int)strlen(words)));
    mp_heap_end_place(out, style, row->users);
    fprintf(out, "%s\n", words);
}

static void put_sum(FILE *out, const struct columns *columns,
                    const struct mp_heap_line *sum, const char *name)
{
    if (!mp_heap_line_is_used(sum))
        return;
    put_cells(out, columns, sum);
    put_name(out, columns->options, columns, name);
    fputc('\n', out);
}

/* Another moment in place of the peak is "then". */
static void put_titles(FILE *out, const struct columns *columns)
{
    const struct mp_heap_range *range = columns->table->view->range;
    const char *texts[COLUMNS];
    memcpy(texts, titles, sizeof texts);
    if (range && range->is_at)
        texts[AT_PEAK] = "then";
    put_columns(out, columns, texts);
}

static void put_range(FILE *out, const struct mp_heap_view *view)
{
    char words[MP_HEAP_RANGE_WORDS];
    if (view->range)
        fprintf(out, "%s: %s\n", view->growth ? "growth" : "then",
                mp_heap_range_words(view, words));
}

/* "(12 more)"; of growth those that did not change are apart. */
static void name_rest(const struct mp_heap_rows *table, size_t shown,
                      char name[3 * MP_HEAP_FIGURE])
{
    char all[MP_HEAP_FIGURE], changed[MP_HEAP_FIGURE], same[MP_HEAP_FIGURE];
    size_t left = table->count - shown, count = left;
    for (size_t i = shown; table->view->growth && i < table->count; i++)
        count -= !table->rows[i].growth && !table->rows[i].growth_blocks;
    mp_heap_count(left, all);
    mp_heap_count(count, changed);
    mp_heap_count(left - count, same);
    if (count == left)
        snprintf(name, 3 * MP_HEAP_FIGURE, "(%s more)", all);
    else if (count)
        snprintf(name, 3 * MP_HEAP_FIGURE, "(%s more, %s that did not change)", changed,
                 same);
    else
        snprintf(name, 3 * MP_HEAP_FIGURE, "(%s that did not change)", same);
}

/* What has no row of its own: the rows that are not shown, and ours where it is small. */
static void put_sums(FILE *out, const struct columns *columns, size_t shown,
                     const struct mp_heap_line *rest, bool own)
{
    char name[3 * MP_HEAP_FIGURE];
    name_rest(columns->table, shown, name);
    if (columns->table->count > shown)
        put_sum(out, columns, rest, name);
    if (own)
        put_sum(out, columns, &columns->table->own, MP_HEAP_OWN_NAME);
    put_sum(out, columns, &columns->table->elsewhere, MP_HEAP_NOT_YOURS);
    put_cells(out, columns, &columns->table->whole);
    fputs("all\n", out);
}

void mp_heap_table_text(FILE *out, const struct mp_heap_rows *table,
                        const struct mp_heap_table_options *options)
{
    unsigned marks = 0;
    size_t shown = mp_heap_rows_from(table, options->least);
    shown = shown < options->most ? shown : options->most;
    struct mp_heap_line rest = mp_heap_rows_rest(table, shown);
    bool small = mp_heap_line_share(&table->own, &table->whole) < options->least;
    if (small)
        mp_heap_line_add(&rest, &table->own);
    struct columns columns = columns_for(table, options, shown, &rest);
    put_titles(out, &columns);
    fprintf(out, "%s\n", mp_heap_grouping_names[table->group]);
    for (size_t i = 0; i < shown; i++) {
        put_row(out, &columns, &table->rows[i]);
        marks |= table->rows[i].marks;
    }
    put_sums(out, &columns, shown, &rest, !small || shown == table->count);
    put_range(out, table->view);
    mp_heap_put_marks(out, marks);
    mp_heap_put_missing(out, table->view->header, options->incomplete);
}
