#include "report/heap_table.h"

#include <inttypes.h>
#include <string.h>

#include "base/escape.h"

const char *const mp_heap_grouping_names[] = {"line", "function", "file", "module",
                                              "process"};

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

const struct mp_heap_process *
mp_heap_process_of(const struct mp_heap_table_options *options,
                   const struct mp_heap_line *row)
{
    return options->processes && row->line ? &options->processes->processes[row->line - 1]
                                           : NULL;
}

typedef void escape(FILE *, const char *, size_t);

static void put(FILE *out, escape *how, const struct mp_heap_view *view,
                struct mp_heap_text text)
{
    how(out, view->text + text.offset, text.length);
}

static void put_process(FILE *out, const struct mp_heap_process *process, bool json)
{
    escape *how = json ? mp_escape_json : mp_escape_csv;
    fprintf(out, json ? "\"pid\": %" PRId64 : "%" PRId64, process->pid);
    fprintf(out, json ? ", \"parent\": %" PRId64 : ",%" PRId64, process->parent);
    fputs(json ? ", \"command\": " : ",", out);
    how(out, process->command, strlen(process->command));
    fputs(json ? ", \"file\": " : ",", out);
    how(out, process->file, strlen(process->file));
    fputs(json ? ", \"most_rss\": " : ",", out);
    if (process->most_rss >= 0)
        fprintf(out, "%" PRId64, process->most_rss);
    else
        fputs(json ? "null" : "", out);
}

/* The names of a row, each behind its key in JSON. */
static void put_names(FILE *out, const struct mp_heap_rows *table,
                      const struct mp_heap_table_options *options,
                      const struct mp_heap_line *row, bool json)
{
    const struct mp_heap_process *process = mp_heap_process_of(options, row);
    if (process) {
        put_process(out, process, json);
        return;
    }
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
    static const char *const titles[] = {[MP_HEAP_EACH_LINE] = "file,line,function",
                                         [MP_HEAP_EACH_FUNCTION] = "file,line,function",
                                         [MP_HEAP_EACH_FILE] = "file",
                                         [MP_HEAP_EACH_MODULE] = "module",
                                         [MP_HEAP_EACH_PROCESS] =
                                             "pid,parent,command,file,most_rss"};
    uint64_t figures[FIGURES];
    fputs(titles[table->group], out);
    for (int i = 0; i < FIGURES; i++)
        fprintf(out, ",%s", figure_names[i]);
    fputc('\n', out);
    for (size_t row = 0; row < table->count && row < options->most; row++) {
        put_names(out, table, options, &table->rows[row], false);
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
    mp_heap_table_begin_json(out, table->view->header, mp_heap_grouping_names[table->group],
                             options);
    for (size_t i = 0; i < shown; i++) {
        fprintf(out, "%s\n    {", i ? "," : "");
        put_names(out, table, options, &table->rows[i], true);
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
        mp_heap_table_text(out, table, options);
        break;
    case MP_HEAP_TABLE_CSV:
        put_csv(out, table, options);
        break;
    case MP_HEAP_TABLE_JSON:
        put_json(out, table, options);
        break;
    }
}
