#include "report/heap_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/heap_balance.h"
#include "report/heap_callers.h"
#include "report/heap_processes.h"
#include "report/heap_summary.h"

enum { LEAST_PLACE = 30, INDENT = 8, SHARE = 7 };

/* What a table shows, of how much, and how wide its columns are. */
struct table {
    enum mp_heap_order order;
    const char *title, *first, *second;
    uint64_t whole;
    const struct mp_heap_header *header;
    int widths[2];
};

/* The figures of a row, before and behind its share. */
static void figures(const struct table *table, const struct mp_heap_line *line,
                    char rooms[2][MP_HEAP_FIGURE])
{
    switch (table->order) {
    case MP_HEAP_BY_PEAK:
        mp_heap_estimate(table->header, line->at_peak, rooms[0]);
        mp_heap_blocks(line->blocks_at_peak, (uint64_t)line->at_peak, rooms[1]);
        break;
    case MP_HEAP_BY_LIVE:
        mp_heap_estimate(table->header, line->live, rooms[0]);
        mp_heap_blocks(line->live_blocks, (uint64_t)line->live, rooms[1]);
        break;
    default:
        mp_heap_count(line->temporary, rooms[0]);
        mp_heap_estimate(table->header, mp_heap_line_total(line), rooms[1]);
    }
}

static void widen(struct table *table, const struct mp_heap_line *line)
{
    char rooms[2][MP_HEAP_FIGURE];
    figures(table, line, rooms);
    for (int i = 0; i < 2; i++)
        if ((int)strlen(rooms[i]) > table->widths[i])
            table->widths[i] = (int)strlen(rooms[i]);
}

static void put_figures(FILE *out, const struct table *table,
                        const struct mp_heap_line *line)
{
    char rooms[2][MP_HEAP_FIGURE];
    uint64_t weight = mp_heap_line_weight(line, table->order);
    double share = table->whole ? 100.0 * (double)weight / (double)table->whole : 0;
    figures(table, line, rooms);
    fprintf(out, "%*s %5.1f%% %*s  ", table->widths[0], rooms[0], share, table->widths[1],
            rooms[1]);
}

static int place_column(const struct table *table)
{
    return table->widths[0] + 1 + SHARE + table->widths[1] + 2;
}

/* Columns from `at` on; 0 for any. */
static int rest(const struct mp_heap_text_options *options, int at)
{
    int width = options->style.width;
    return !width ? 0 : width - at > LEAST_PLACE ? width - at : LEAST_PLACE;
}

/* Where what belongs to a row's place begins. */
static int indent(const struct table *table, const struct mp_heap_text_options *options)
{
    int column = place_column(table) + 2, width = options->style.width;
    return !width || width - column >= LEAST_PLACE ? column : INDENT;
}

static void put_source(FILE *out, const struct mp_heap_view *view,
                       const struct mp_heap_line *line, const struct table *table,
                       const struct mp_heap_text_options *options)
{
    size_t length;
    int column = indent(table, options);
    const char *text =
        options->source && line->code
            ? options->source(options->context, view, view->codes[line->code].file,
                              line->line, &length)
            : NULL;
    while (text && length && (*text == ' ' || *text == '\t')) {
        text++;
        length--;
    }
    if (!text || !length)
        return;
    fprintf(out, "%*s", column, "");
    mp_heap_put_source(out, &options->style, text, length, rest(options, column));
    fputc('\n', out);
}

static void put_callers(FILE *out, const struct mp_heap_view *view,
                        const struct mp_heap_line *line, const struct table *table,
                        const struct mp_heap_text_options *options)
{
    int column = indent(table, options);
    struct mp_heap_callers_options how = {.order = table->order,
                                          .own = options->own,
                                          .style = &options->style,
                                          .indent = column,
                                          .room = rest(options, column)};
    mp_heap_put_callers(out, view, line, &how);
}

static void put_others(FILE *out, const struct table *table, const struct mp_heap_line *sum,
                       size_t lines)
{
    char number[MP_HEAP_FIGURE];
    if (!mp_heap_line_weight(sum, table->order))
        return;
    put_figures(out, table, sum);
    if (lines)
        fprintf(out, "(%s more %s)\n", mp_heap_count(lines, number),
                lines == 1 ? "line" : "lines");
    else
        fputs(MP_HEAP_OWN_NAME "\n", out);
}

/* What the rows that are not shown have together; returns how many there are. */
static size_t add_others(const struct mp_heap_lines *lines, enum mp_heap_order order,
                         size_t from, struct mp_heap_line *sum)
{
    size_t i = from;
    for (; i < lines->count && mp_heap_line_weight(&lines->lines[i], order); i++)
        mp_heap_line_add(sum, &lines->lines[i]);
    return i > from ? i - from : 0;
}

/* How many are shown. Small ones are not, but where all are. */
static size_t rows(const struct mp_heap_lines *lines, const struct table *table,
                   const struct mp_heap_text_options *options)
{
    size_t count = 0;
    double least = options->least * (double)table->whole;
    for (; count < lines->count && count < options->most; count++) {
        uint64_t weight = mp_heap_line_weight(&lines->lines[count], table->order);
        if (!count && (double)weight < least)
            least = 0;
        if (!weight || (double)weight < least)
            break;
    }
    return count;
}

static void put_row(FILE *out, const struct mp_heap_view *view,
                    const struct mp_heap_line *line, const struct table *table,
                    const struct mp_heap_text_options *options)
{
    put_figures(out, table, line);
    if (line->importing)
        fputs(MP_HEAP_IMPORTING, out);
    else
        mp_heap_put_place(out, &options->style, view, line->code, line->line,
                          rest(options, place_column(table)));
    fputc('\n', out);
    put_source(out, view, line, table, options);
    put_callers(out, view, line, table, options);
}

static bool is_shown(const struct mp_heap_line *own, const struct table *table,
                     const struct mp_heap_text_options *options)
{
    return (double)mp_heap_line_weight(own, table->order) >=
           options->least * (double)table->whole;
}

static void put_table(FILE *out, const struct mp_heap_view *view,
                      struct mp_heap_lines *lines, struct table *table,
                      const struct mp_heap_text_options *options)
{
    struct mp_heap_line others = {0};
    mp_heap_lines_sort(lines, view, table->order);
    size_t count = rows(lines, table, options);
    size_t left = add_others(lines, table->order, count, &others);
    if (!count)
        return;
    bool own = is_shown(&lines->own, table, options);
    if (!own && left)
        mp_heap_line_add(&others, &lines->own);
    table->widths[0] = 11;
    table->widths[1] = (int)strlen(table->second);
    for (size_t i = 0; i < count; i++)
        widen(table, &lines->lines[i]);
    widen(table, &others);
    fprintf(out, "\n%s\n%*s %6s %*s  where\n", table->title, table->widths[0], table->first,
            "share", table->widths[1], table->second);
    for (size_t i = 0; i < count; i++)
        put_row(out, view, &lines->lines[i], table, options);
    put_others(out, table, &others, left);
    if (own || !left)
        put_others(out, table, &lines->own, 0);
}

/* Several processes have no balance sheet together. */
static void put_hint(FILE *out, const struct mp_heap_view *view,
                     const struct mp_heap_text_options *options)
{
    if (!view->processes || !options->processes || !mp_heap_have_sheets(options->processes))
        return;
    fputs("\nWhere the RSS of each is: mprof report --by process ", out);
    mp_heap_put_text(out, &options->style, options->name, strlen(options->name), 0,
                     MP_HEAP_CUT_START);
    fputc('\n', out);
}

void mp_heap_text(FILE *out, const struct mp_heap_view *view, struct mp_heap_lines *lines,
                  const struct mp_heap_text_options *options)
{
    const struct mp_heap_header *header = view->header;
    struct table tables[] = {
        {.order = MP_HEAP_BY_PEAK,
         .title = view->processes ? "At the peaks, each process at its own" : "At the peak",
         .first = "bytes",
         .second = "blocks",
         .whole = (uint64_t)header->peak,
         .header = header},
        {.order = MP_HEAP_BY_LIVE,
         .title = "Still live",
         .first = "bytes",
         .second = "blocks",
         .whole = (uint64_t)header->live,
         .header = header},
        {.order = MP_HEAP_BY_CHURN,
         .title = "Freed at once (before their thread allocated again)",
         .first = "blocks",
         .second = "allocated",
         .whole = mp_heap_totals(view).temporary,
         .header = header},
    };
    mp_heap_put_title(out, view, options->name, options->incomplete, &options->style);
    mp_heap_put_summary(out, view, &options->style);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        put_table(out, view, lines, &tables[i], options);
    mp_heap_put_balance(out, view);
    mp_heap_put_threads(out, view, options->processes, options->most);
    mp_heap_put_processes(out, header, options->processes, options->most, &options->style);
    put_hint(out, view, options);
}
