#include "report/heap/table.h"

#include <inttypes.h>
#include <string.h>

#include "base/escape.h"
#include "report/heap/marks.h"

const char *const mp_heap_grouping_names[] = {"line",   "your-line", "function", "file",
                                              "module", "process",   "host",     "worker",
                                              "rank",   "tag"};

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

static void put_rss(FILE *out, const struct mp_heap_process *process, bool json)
{
    fputs(json ? ", \"most_rss\": " : ",", out);
    if (process->most_rss >= 0)
        fprintf(out, "%" PRId64, process->most_rss);
    else
        fputs(json ? "null" : "", out);
}

static void put_group(FILE *out, const struct mp_heap_rows *table,
                      const struct mp_heap_process *group, bool json)
{
    if (json)
        fprintf(out, "\"%s\": ", mp_heap_grouping_names[table->group]);
    (json ? mp_escape_json : mp_escape_csv)(out, group->file, strlen(group->file));
    if (table->group == MP_HEAP_EACH_TAG) {
        const struct mp_heap_code *code = &table->view->codes[group->code];
        fputs(json ? ", \"mostly_file\": " : ",", out);
        put(out, json ? mp_escape_json : mp_escape_csv, table->view, code->file);
        fprintf(out, json ? ", \"mostly_line\": %d, \"mostly_function\": " : ",%d,",
                group->line);
        put(out, json ? mp_escape_json : mp_escape_csv, table->view, code->name);
        return;
    }
    fprintf(out, json ? ", \"processes\": %zu" : ",%zu", group->members);
    put_rss(out, group, json);
}

static void put_process(FILE *out, const struct mp_heap_process *process, bool json)
{
    escape *how = json ? mp_escape_json : mp_escape_csv;
    const struct mp_identity *identity = &process->identity;
    const char *const names[] = {"host", "rank", "worker"};
    const char *const texts[] = {identity->host, identity->rank, identity->worker};
    fprintf(out, json ? "\"pid\": %" PRId64 : "%" PRId64, process->pid);
    fprintf(out, json ? ", \"parent\": %" PRId64 : ",%" PRId64, process->parent);
    fputs(json ? ", \"command\": " : ",", out);
    how(out, process->command, strlen(process->command));
    fputs(json ? ", \"file\": " : ",", out);
    how(out, process->file, strlen(process->file));
    put_rss(out, process, json);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        fprintf(out, json ? ", \"%s\": " : "%.0s,", names[i]);
        how(out, texts[i], strlen(texts[i]));
    }
}

/* The names of a row, each behind its key in JSON. */
static void put_names(FILE *out, const struct mp_heap_rows *table,
                      const struct mp_heap_table_options *options,
                      const struct mp_heap_line *row, bool json)
{
    const struct mp_heap_process *process = mp_heap_process_of(options, row);
    if (process && process->members)
        put_group(out, table, process, json);
    else if (process)
        put_process(out, process, json);
    if (process)
        return;
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
            mp_heap_rows_are_lines(table) ? row->line : code->first_line);
    put(out, how, table->view, code->name);
}

/* Processes call nothing of each other's. */
static bool has_totals(const struct mp_heap_rows *table)
{
    return !mp_heap_rows_are_processes(table);
}

static void put_totals(FILE *out, const struct mp_heap_view *view,
                       const struct mp_heap_sum *sum)
{
    fprintf(out, ",%" PRId64 ",%" PRId64 ",%" PRIu64, sum->at_peak, sum->live, sum->total);
    if (view->growth)
        fprintf(out, ",%" PRId64, sum->growth);
}

/* The names of the figures, behind those of the row's place. */
static void put_csv_titles(FILE *out, const struct mp_heap_rows *table)
{
    for (int i = 0; i < FIGURES; i++)
        fprintf(out, ",%s", figure_names[i]);
    fputs(table->view->growth ? ",growth,growth_blocks,marks" : ",marks", out);
    if (has_totals(table))
        fputs(",cumulative_at_peak,cumulative_live,cumulative_total", out);
    if (has_totals(table) && table->view->growth)
        fputs(",cumulative_growth", out);
    fputc('\n', out);
}

static void put_csv(FILE *out, const struct mp_heap_rows *table,
                    const struct mp_heap_table_options *options)
{
    static const char *const titles[] = {
        [MP_HEAP_EACH_LINE] = "file,line,function",
        [MP_HEAP_EACH_YOUR_LINE] = "file,line,function",
        [MP_HEAP_EACH_FUNCTION] = "file,line,function",
        [MP_HEAP_EACH_FILE] = "file",
        [MP_HEAP_EACH_MODULE] = "module",
        [MP_HEAP_EACH_PROCESS] = "pid,parent,command,file,most_rss,"
                                 "host,rank,worker",
        [MP_HEAP_EACH_HOST] = "host,processes,most_rss",
        [MP_HEAP_EACH_WORKER] = "worker,processes,most_rss",
        [MP_HEAP_EACH_RANK] = "rank,processes,most_rss",
        [MP_HEAP_EACH_TAG] = "tag,mostly_file,mostly_line,mostly_function"};
    uint64_t figures[FIGURES];
    fputs(titles[table->group], out);
    put_csv_titles(out, table);
    for (size_t row = 0; row < table->count && row < options->most; row++) {
        put_names(out, table, options, &table->rows[row], false);
        figures_of(&table->rows[row], figures);
        for (int i = 0; i < FIGURES; i++)
            fprintf(out, ",%" PRIu64, figures[i]);
        if (table->view->growth)
            fprintf(out, ",%" PRId64 ",%" PRId64, table->rows[row].growth,
                    table->rows[row].growth_blocks);
        fputc(',', out);
        mp_heap_marks_csv(out, &table->rows[row]);
        if (has_totals(table))
            put_totals(out, table->view, &table->rows[row].cumulative);
        fputc('\n', out);
    }
}

static void put_json_figures(FILE *out, const struct mp_heap_view *view,
                             const struct mp_heap_line *row)
{
    uint64_t figures[FIGURES];
    figures_of(row, figures);
    for (int i = 0; i < FIGURES; i++)
        fprintf(out, "%s\"%s\": %" PRIu64, i ? ", " : "", figure_names[i], figures[i]);
    if (view->growth)
        fprintf(out, ", \"growth\": %" PRId64 ", \"growth_blocks\": %" PRId64, row->growth,
                row->growth_blocks);
}

void mp_heap_table_begin_json(FILE *out, const struct mp_heap_header *header,
                              const char *by, const struct mp_heap_table_options *options)
{
    fprintf(out, "{\n  \"format\": \"mprof table\", \"version\": 1, \"by\": \"%s\",\n", by);
    fprintf(out,
            "  \"sample\": %" PRIu64 ", \"untracked\": %" PRIu64
            ", \"untracked_bytes\": %" PRIu64 ", \"shortened\": %" PRIu64
            ", \"misplaced\": %" PRIu64 ", \"lost\": %s,\n",
            header->sample, header->untracked, header->untracked_bytes, header->shortened,
            header->misplaced, header->followed & MP_HEAP_LOST ? "true" : "false");
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
        put_json_figures(out, table->view, &table->rows[i]);
        fputs(", ", out);
        mp_heap_marks_json(out, &table->rows[i]);
        if (has_totals(table))
            mp_heap_cumulative_json(out, table->view, &table->rows[i].cumulative);
        fputc('}', out);
    }
    fprintf(out, "],\n  \"more\": {\"rows\": %zu, ", table->count - shown);
    put_json_figures(out, table->view, &rest);
    fputs("},\n  \"own\": {", out);
    put_json_figures(out, table->view, &table->own);
    if (table->group == MP_HEAP_EACH_YOUR_LINE) {
        fputs("},\n  \"not_your_lines\": {", out);
        put_json_figures(out, table->view, &table->elsewhere);
    }
    fputs("},\n  \"all\": {", out);
    put_json_figures(out, table->view, &table->whole);
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
