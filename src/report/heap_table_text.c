/* Tables as text: figures as wide as they are, places in what is left of the terminal. */
#include <inttypes.h>
#include <string.h>

#include "report/heap_summary.h"
#include "report/heap_table.h"

static void put_process(FILE *out, const struct mp_heap_table_options *options,
                        const struct mp_heap_process *process, int columns)
{
    const char *name = *process->command ? process->command : process->file;
    mp_heap_put_text(out, options->style, name, strlen(name), columns, MP_HEAP_CUT_END);
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
        put_process(out, options, process, columns);
    else if (row->importing && table->group <= MP_HEAP_EACH_FILE)
        fputs(MP_HEAP_IMPORTING, out);
    else if (is_function)
        mp_heap_put_place(out, options->style, view, row->code,
                          table->group == MP_HEAP_EACH_LINE ? row->line : code->first_line,
                          columns);
    else if (!name.length)
        fputs("(no Python code running)", out);
    else
        mp_heap_put_file(out, options->style, view, name, columns);
}

enum { COLUMNS = 7, SIZES = 3, GAP = 2, NARROW_GAP = 1, LEAST_PLACE = 20, GOOD_PLACE = 32 };
enum column { AT_PEAK, LIVE, TOTAL, ALLOCATIONS, TEMPORARY, MOST_RSS, PID };

static const char *const titles[COLUMNS] = {"at peak",   "live",     "total", "allocations",
                                            "temporary", "most RSS", "pid"};

/* As wide as what stands in them: the place has the rest. Narrow ones say 1.5M for 1.5 MiB. */
struct columns {
    const struct mp_heap_rows *table;
    const struct mp_heap_table_options *options;
    bool shown[COLUMNS];
    int errors; /* so many sizes have theirs, where blocks were sampled */
    int widths[COLUMNS], gap, total;
};

/* Of processes not all has room: of allocations and temporary blocks what they are sorted by. */
static void choose(struct columns *columns)
{
    bool processes = columns->table->group == MP_HEAP_EACH_PROCESS;
    bool temporary = columns->table->column == MP_HEAP_TEMPORARY;
    for (int i = 0; i < COLUMNS; i++)
        columns->shown[i] = processes || i <= TEMPORARY;
    if (processes)
        columns->shown[temporary ? ALLOCATIONS : TEMPORARY] = false;
}

/* A row's figures as they stand. */
struct cells {
    char text[COLUMNS][MP_HEAP_FIGURE];
};

static struct cells cells_of(const struct columns *columns, const struct mp_heap_line *row)
{
    const struct mp_heap_header *header = columns->table->view->header;
    const int64_t sizes[] = {
        [AT_PEAK] = row->at_peak, [LIVE] = row->live, [TOTAL] = mp_heap_line_total(row)};
    const struct mp_heap_process *process = mp_heap_process_of(columns->options, row);
    struct cells cells = {0};
    for (int i = AT_PEAK; i <= TOTAL; i++)
        if (columns->gap != NARROW_GAP)
            mp_heap_estimate(header, sizes[i], cells.text[i]);
        else if (header->sample && i < columns->errors)
            mp_heap_tight_estimate(header, sizes[i], cells.text[i]);
        else
            mp_heap_short_size(sizes[i], cells.text[i]);
    mp_heap_blocks(row->blocks, row->total, cells.text[ALLOCATIONS]);
    mp_heap_blocks(row->temporary, row->blocks ? 0 : row->total, cells.text[TEMPORARY]);
    if (process && process->most_rss < 0)
        strcpy(cells.text[MOST_RSS], "-");
    else if (process && columns->gap == NARROW_GAP)
        mp_heap_short_size(process->most_rss, cells.text[MOST_RSS]);
    else if (process)
        mp_heap_size(process->most_rss, cells.text[MOST_RSS]);
    if (process)
        snprintf(cells.text[PID], sizeof cells.text[PID], "%" PRId64, process->pid);
    return cells;
}

static void widen(struct columns *columns, const struct mp_heap_line *row)
{
    struct cells cells = cells_of(columns, row);
    for (int i = 0; i < COLUMNS; i++)
        if ((int)strlen(cells.text[i]) > columns->widths[i])
            columns->widths[i] = (int)strlen(cells.text[i]);
}

/* Behind the last that is shown there are two blanks. */
static int gap_behind(const struct columns *columns, int column)
{
    for (int i = column + 1; i < COLUMNS; i++)
        if (columns->shown[i])
            return columns->gap;
    return GAP;
}

static void put_columns(FILE *out, const struct columns *columns, const char *const *texts)
{
    for (int i = 0; i < COLUMNS; i++)
        if (columns->shown[i])
            fprintf(out, "%*s%*s", columns->widths[i], texts[i], gap_behind(columns, i),
                    "");
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

static struct columns columns_with(int gap, int errors, const struct mp_heap_rows *table,
                                   const struct mp_heap_table_options *options,
                                   size_t shown, const struct mp_heap_line *rest)
{
    struct columns columns = {
        .table = table, .options = options, .gap = gap, .errors = errors};
    choose(&columns);
    for (int i = 0; i < COLUMNS; i++)
        columns.widths[i] = (int)strlen(titles[i]);
    for (size_t i = 0; i < shown; i++)
        widen(&columns, &table->rows[i]);
    widen(&columns, rest);
    widen(&columns, &table->whole);
    for (int i = 0; i < COLUMNS; i++)
        if (columns.shown[i])
            columns.total += columns.widths[i] + gap_behind(&columns, i);
    return columns;
}

static struct columns columns_for(const struct mp_heap_rows *table,
                                  const struct mp_heap_table_options *options, size_t shown,
                                  const struct mp_heap_line *rest)
{
    struct columns columns = columns_with(GAP, SIZES, table, options, shown, rest);
    int width = options->style->width;
    if (!width || columns.total + GOOD_PLACE <= width)
        return columns;
    columns = columns_with(NARROW_GAP, SIZES, table, options, shown, rest);
    for (int errors = SIZES - 1; errors && columns.total + GOOD_PLACE > width; errors--)
        columns = columns_with(NARROW_GAP, errors, table, options, shown, rest);
    return columns;
}

static int room_for_place(const struct columns *columns, const struct mp_heap_style *style)
{
    int room = style->width - columns->total;
    return !style->width ? 0 : room > LEAST_PLACE ? room : LEAST_PLACE;
}

static void put_name(FILE *out, const struct mp_heap_table_options *options,
                     const struct columns *columns, const char *name)
{
    mp_heap_put_text(out, options->style, name, strlen(name),
                     room_for_place(columns, options->style), MP_HEAP_CUT_END);
}

void mp_heap_table_text(FILE *out, const struct mp_heap_rows *table,
                        const struct mp_heap_table_options *options)
{
    char number[MP_HEAP_FIGURE];
    size_t shown = mp_heap_rows_from(table, options->least);
    shown = shown < options->most ? shown : options->most;
    struct mp_heap_line rest = mp_heap_rows_rest(table, shown);
    bool small = mp_heap_line_share(&table->own, &table->whole) < options->least;
    if (small)
        mp_heap_line_add(&rest, &table->own);
    struct columns columns = columns_for(table, options, shown, &rest);
    put_columns(out, &columns, titles);
    fprintf(out, "%s\n", mp_heap_grouping_names[table->group]);
    for (size_t i = 0; i < shown; i++) {
        put_cells(out, &columns, &table->rows[i]);
        put_place(out, options, table, &table->rows[i],
                  room_for_place(&columns, options->style));
        fputc('\n', out);
    }
    if (shown < table->count) {
        put_cells(out, &columns, &rest);
        fprintf(out, "(%s more)\n", mp_heap_count(table->count - shown, number));
    }
    if ((!small || shown == table->count) && (table->own.blocks || table->own.total)) {
        put_cells(out, &columns, &table->own);
        put_name(out, options, &columns, MP_HEAP_OWN_NAME);
        fputc('\n', out);
    }
    put_cells(out, &columns, &table->whole);
    fputs("all\n", out);
    mp_heap_put_missing(out, table->view->header, options->incomplete);
}
