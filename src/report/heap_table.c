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
                      const struct mp_heap_rows *table, const struct mp_heap_line *row)
{
    const struct mp_heap_view *view = table->view;
    const struct mp_heap_code *code = &view->codes[row->code];
    struct mp_heap_text name =
        table->group == MP_HEAP_EACH_MODULE ? mp_heap_module(view, code->file) : code->file;
    if (table->group <= MP_HEAP_EACH_FUNCTION || !row->code)
        mp_heap_put_place(out, options->style, view, row->code,
                          table->group == MP_HEAP_EACH_LINE ? row->line : code->first_line,
                          0);
    else
        mp_heap_put_file(out, options->style, view, name, 0);
    fputc('\n', out);
}

/* Columns for bytes; wider where each has its standard error. */
static int width_of(const struct mp_heap_header *header)
{
    return header->sample ? 23 : 11;
}

static void put_text_figures(FILE *out, const struct mp_heap_header *header,
                             const struct mp_heap_line *row)
{
    char peak[MP_HEAP_FIGURE], live[MP_HEAP_FIGURE], total[MP_HEAP_FIGURE];
    int width = width_of(header);
    fprintf(out, "%*s %*s %*s %12" PRIu64 " %11" PRIu64 "  ", width,
            mp_heap_estimate(header, row->at_peak, peak), width,
            mp_heap_estimate(header, row->live, live), width,
            mp_heap_estimate(header, (int64_t)row->total, total), row->blocks,
            row->temporary);
}

static void put_text(FILE *out, const struct mp_heap_rows *table,
                     const struct mp_heap_table_options *options)
{
    size_t shown = table->count < options->most ? table->count : options->most;
    const struct mp_heap_header *header = table->view->header;
    int width = width_of(header);
    fprintf(out, "%*s %*s %*s %12s %11s  %s\n", width, "at peak", width, "live", width,
            "total", "allocations", "temporary", groups[table->group]);
    for (size_t i = 0; i < shown; i++) {
        put_text_figures(out, header, &table->rows[i]);
        put_place(out, options, table, &table->rows[i]);
    }
    if (shown < table->count) {
        struct mp_heap_line rest = mp_heap_rows_rest(table, shown);
        put_text_figures(out, header, &rest);
        fprintf(out, "%zu more\n", table->count - shown);
    }
    put_text_figures(out, header, &table->whole);
    fputs("all\n", out);
    mp_heap_put_missing(out, header, options->incomplete);
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

void mp_heap_table_begin_json(FILE *out, const char *by,
                              const struct mp_heap_table_options *options)
{
    fprintf(out, "{\n  \"format\": \"mprof table\", \"version\": 1, \"by\": \"%s\",\n", by);
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
    mp_heap_table_begin_json(out, groups[table->group], options);
    for (size_t i = 0; i < shown; i++) {
        fprintf(out, "%s\n    {", i ? "," : "");
        put_names(out, table, &table->rows[i], true);
        fputs(", ", out);
        put_json_figures(out, &table->rows[i]);
        fputc('}', out);
    }
    fprintf(out, "],\n  \"more\": {\"rows\": %zu, ", table->count - shown);
    put_json_figures(out, &rest);
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
