#include "report/heap_table.h"

#include <inttypes.h>
#include <string.h>

#include "base/escape.h"
#include "report/heap_summary.h"

static const char *const groups[] = {"line", "function", "file", "module"};

static const char *const figure_names[] = {"at_peak",     "blocks_at_peak", "live",
                                           "live_blocks", "total",          "allocations",
                                           "temporary"};
enum { FIGURES = sizeof figure_names / sizeof *figure_names };

static void figures_of(const struct mp_heap_line *row, uint64_t figures[FIGURES])
{
    const uint64_t all[FIGURES] = {
        (uint64_t)row->at_peak, row->blocks_at_peak, (uint64_t)row->live,
        row->live_blocks,       row->total,          row->blocks,
        row->temporary};
    memcpy(figures, all, sizeof all);
}

typedef void escape(FILE *, const char *, size_t);

static void put(FILE *out, escape *how, const struct mp_heap_view *view,
                struct mp_heap_text text)
{
    how(out, view->text + text.offset, text.length);
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
    if (row->importing && table->group <= MP_HEAP_EACH_FILE)
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

enum { COLUMNS = 5, SIZES = 3, GAP = 2, NARROW_GAP = 1, LEAST_PLACE = 20, GOOD_PLACE = 32 };

static const char *const titles[COLUMNS] = {"at peak", "live", "total", "allocations",
                                            "temporary"};

/* As wide as what stands in them: the place has the rest. Narrow ones say 1.5M for 1.5 MiB. */
struct columns {
    const struct mp_heap_header *header;
    int widths[COLUMNS], gap, total;
};

/* A row's figures as they stand. */
struct cells {
    char text[COLUMNS][MP_HEAP_FIGURE];
};

static struct cells cells_of(const struct columns *columns, const struct mp_heap_line *row)
{
    const int64_t sizes[SIZES] = {row->at_peak, row->live, (int64_t)row->total};
    struct cells cells;
    for (int i = 0; i < SIZES; i++)
        if (columns->gap == NARROW_GAP && !columns->header->sample)
            mp_heap_short_size(sizes[i], cells.text[i]);
        else
            mp_heap_estimate(columns->header, sizes[i], cells.text[i]);
    mp_heap_blocks(row->blocks, row->total, cells.text[SIZES]);
    mp_heap_blocks(row->temporary, row->blocks ? 0 : row->total, cells.text[SIZES + 1]);
    return cells;
}

static void widen(struct columns *columns, const struct mp_heap_line *row)
{
    struct cells cells = cells_of(columns, row);
    for (int i = 0; i < COLUMNS; i++)
        if ((int)strlen(cells.text[i]) > columns->widths[i])
            columns->widths[i] = (int)strlen(cells.text[i]);
}

static int gap_behind(const struct columns *columns, int column)
{
    return column < COLUMNS - 1 ? columns->gap : GAP;
}

static void put_cells(FILE *out, const struct columns *columns,
                      const struct mp_heap_line *row)
{
    struct cells cells = cells_of(columns, row);
    for (int i = 0; i < COLUMNS; i++)
        fprintf(out, "%*s%*s", columns->widths[i], cells.text[i], gap_behind(columns, i),
                "");
}

static struct columns columns_with(int gap, const struct mp_heap_rows *table, size_t shown,
                                   const struct mp_heap_line *rest)
{
    struct columns columns = {.header = table->view->header, .gap = gap};
    for (int i = 0; i < COLUMNS; i++)
        columns.widths[i] = (int)strlen(titles[i]);
    for (size_t i = 0; i < shown; i++)
        widen(&columns, &table->rows[i]);
    widen(&columns, rest);
    widen(&columns, &table->whole);
    for (int i = 0; i < COLUMNS; i++)
        columns.total += columns.widths[i] + gap_behind(&columns, i);
    return columns;
}

static struct columns columns_for(const struct mp_heap_rows *table, size_t shown,
                                  const struct mp_heap_line *rest, int width)
{
    struct columns columns = columns_with(GAP, table, shown, rest);
    bool narrow = width && columns.total + GOOD_PLACE > width;
    return narrow ? columns_with(NARROW_GAP, table, shown, rest) : columns;
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

static void put_text(FILE *out, const struct mp_heap_rows *table,
                     const struct mp_heap_table_options *options)
{
    char number[MP_HEAP_FIGURE];
    size_t shown = mp_heap_rows_from(table, options->least);
    shown = shown < options->most ? shown : options->most;
    struct mp_heap_line rest = mp_heap_rows_rest(table, shown);
    bool small = mp_heap_line_share(&table->own, &table->whole) < options->least;
    if (small)
        mp_heap_line_add(&rest, &table->own);
    struct columns columns = columns_for(table, shown, &rest, options->style->width);
    for (int i = 0; i < COLUMNS; i++)
        fprintf(out, "%*s%*s", columns.widths[i], titles[i], gap_behind(&columns, i), "");
    fprintf(out, "%s\n", groups[table->group]);
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

/* The names of a row, each behind its key in JSON. */
static void put_names(FILE *out, const struct mp_heap_rows *table,
                      const struct mp_heap_line *row, bool json)
{
    const struct mp_heap_code *code = &table->view->codes[row->code];
    escape *how = json ? mp_escape_json : mp_escape_csv;
    bool module = table->group == MP_HEAP_EACH_MODULE;
    if (json)
        fprintf(out, "\"%s\": ", module ? "module" : "file");
    put(out, how, table->view,
        module ? mp_heap_module(table->view, code->file) : code->file);
    if (table->group > MP_HEAP_EACH_FUNCTION)
        return;
    fprintf(out, json ? ", \"line\": %d, \"function\": " : ",%d,",
            table->group == MP_HEAP_EACH_LINE ? row->line : code->first_line);
    put(out, how, table->view, code->name);
}

static void put_csv(FILE *out, const struct mp_heap_rows *table,
                    const struct mp_heap_table_options *options)
{
    uint64_t figures[FIGURES];
    fputs(table->group == MP_HEAP_EACH_MODULE ? "module" : "file", out);
    fputs(table->group <= MP_HEAP_EACH_FUNCTION ? ",line,function" : "", out);
    for (int i = 0; i < FIGURES; i++)
        fprintf(out, ",%s", figure_names[i]);
    fputc('\n', out);
    for (size_t row = 0; row < table->count && row < options->most; row++) {
        put_names(out, table, &table->rows[row], false);
        figures_of(&table->rows[row], figures);
        for (int i = 0; i < FIGURES; i++)
            fprintf(out, ",%" PRIu64, figures[i]);
        fputc('\n', out);
    }
}

static void put_json_figures(FILE *out, const struct mp_heap_line *row)
{
    uint64_t figures[FIGURES];
    figures_of(row, figures);
    for (int i = 0; i < FIGURES; i++)
        fprintf(out, "%s\"%s\": %" PRIu64, i ? ", " : "", figure_names[i], figures[i]);
}

void mp_heap_table_begin_json(FILE *out, const struct mp_heap_header *header,
                              const char *by, const struct mp_heap_table_options *options)
{
    fprintf(out, "{\n  \"format\": \"mprof table\", \"version\": 1, \"by\": \"%s\",\n", by);
    fprintf(out,
            "  \"sample\": %" PRIu64 ", \"untracked\": %" PRIu64
            ", \"untracked_bytes\": %" PRIu64 ", \"shortened\": %" PRIu64
            ", \"lost\": %s,\n",
            header->sample, header->untracked, header->untracked_bytes, header->shortened,
            header->followed & MP_HEAP_LOST ? "true" : "false");
    fputs("  \"incomplete\": ", out);
    if (options->incomplete)
        mp_escape_json(out, options->incomplete, strlen(options->incomplete));
    else
        fputs("null", out);
    fputs(",\n  \"rows\": [", out);
}

static void put_json(FILE *out, const struct mp_heap_rows *table,
                     const struct mp_heap_table_options *options)
{
    size_t shown = table->count < options->most ? table->count : options->most;
    struct mp_heap_line rest = mp_heap_rows_rest(table, shown);
    mp_heap_table_begin_json(out, table->view->header, groups[table->group], options);
    for (size_t i = 0; i < shown; i++) {
        fprintf(out, "%s\n    {", i ? "," : "");
        put_names(out, table, &table->rows[i], true);
        fputs(", ", out);
        put_json_figures(out, &table->rows[i]);
        fputc('}', out);
    }
    fprintf(out, "],\n  \"more\": {\"rows\": %zu, ", table->count - shown);
    put_json_figures(out, &rest);
    fputs("},\n  \"own\": {", out);
    put_json_figures(out, &table->own);
    fputs("},\n  \"all\": {", out);
    put_json_figures(out, &table->whole);
    fputs("}\n}\n", out);
}

void mp_heap_table_print(FILE *out, const struct mp_heap_rows *table,
                         const struct mp_heap_table_options *options)
{
    switch (options->form) {
    case MP_HEAP_TABLE_TEXT:
        put_text(out, table, options);
        break;
    case MP_HEAP_TABLE_CSV:
        put_csv(out, table, options);
        break;
    case MP_HEAP_TABLE_JSON:
        put_json(out, table, options);
        break;
    }
}
