#include "report/notebook/notebook.h"

#include "base/escape.h"
#include "report/lines/scale.h"
#include "report/lines/size.h"

/* Seen on white and on black alike. */
#define GROW "#e8590c"
#define SHRINK "#2f9e44"
#define LEVEL "#4c6ef5"
#define RULE "1px solid rgba(128,128,128,0.4)"
#define CELL "text-align:right;white-space:nowrap;padding:1px 10px;vertical-align:top;"
#define SOURCE \
    "text-align:left;white-space:pre;padding:1px 10px;width:100%;vertical-align:top;"
#define HOT "background-color:rgba(232,89,12,0.18);"
#define MONO "font-family:monospace;font-size:12.5px;line-height:1.5;"
#define CAPTION "caption-side:top;text-align:left;white-space:nowrap;padding:2px 10px 6px;"

static const double MIB = 1024.0 * 1024.0;

/* What a function's rows are drawn with. */
struct scale {
    struct mp_line_scale all; /* of the output; bars of a level begin at the least */
    int hottest;              /* row that added most; -1: none added */
    int top;                  /* row with the most memory of all functions; -1: elsewhere */
};

static void put_text(FILE *out, struct mp_text text)
{
    mp_escape_html(out, text.bytes, text.length);
}

static void put_head(FILE *out, const char *name, const char *style)
{
    fprintf(out, "<th scope=\"col\" style=\"%sborder-bottom:" RULE "\">%s</th>", style,
            name);
}

/* A figure with its bar, `share` of the column's width. */
static void put_figure(FILE *out, const char *text, double share, const char *colour,
                       bool hot)
{
    fprintf(out, "<td style=\"" CELL "%s\">%s", hot ? HOT : "", text);
    if (share >= 0.005)
        fprintf(out,
                "<div style=\"height:3px;width:%.1f%%;margin-left:auto;"
                "background-color:%s\"></div>",
                100 * (share < 1 ? share : 1), colour);
    fputs("</td>", out);
}

static void put_cell(FILE *out, int64_t bytes, double share, const char *colour, bool hot,
                     int precision)
{
    char text[MP_SIZE_ROOM];
    snprintf(text, sizeof text, "%.*f MiB", precision, (double)bytes / MIB);
    put_figure(out, text, share, colour, hot);
}

static void put_size(FILE *out, int64_t bytes, double share, const char *colour, bool hot,
                     int precision)
{
    char text[MP_SIZE_ROOM];
    put_figure(out, mp_size_text(bytes, precision, text), share, colour, hot);
}

static double share_of(int64_t part, int64_t whole)
{
    return whole > 0 ? (double)(part < 0 ? -part : part) / (double)whole : 0;
}

static void put_heap(FILE *out, const struct mp_line *row, const struct scale *scale,
                     bool hot, int precision)
{
    int64_t net = mp_line_net(row);
    put_size(out, (int64_t)row->allocated, 0, LEVEL, hot, precision);
    put_size(out, (int64_t)row->freed, 0, LEVEL, hot, precision);
    put_size(out, net, share_of(net, scale->all.held), net < 0 ? SHRINK : GROW, hot,
             precision);
    put_size(out, row->heap_peak, share_of(row->heap_peak, scale->all.held), LEVEL, hot,
             precision);
}

static void put_memory(FILE *out, const struct mp_function *function, int i,
                       const struct scale *scale, const struct mp_notebook_options *options)
{
    const struct mp_line *row = &function->table.rows[i];
    bool hot = i == scale->hottest;
    int64_t increment =
        mp_line_table_increment(&function->table, function->table.first + i);
    if (!mp_line_is_read(row)) {
        fprintf(out, "<td colspan=\"%d\"></td>", 2 + (options->peaks ? 1 : 0));
        return;
    }
    put_cell(out, row->memory, 0, LEVEL, hot, options->precision);
    put_cell(out, increment, share_of(row->increment, scale->all.increment),
             row->increment < 0 ? SHRINK : GROW, hot, options->precision);
    if (options->peaks)
        put_cell(
            out, row->peak,
            share_of(row->peak - scale->all.least, scale->all.memory - scale->all.least),
            LEVEL, hot, options->precision);
}

static void put_figures(FILE *out, const struct mp_function *function, int i,
                        const struct scale *scale,
                        const struct mp_notebook_options *options)
{
    const struct mp_line *row = &function->table.rows[i];
    bool hot = i == scale->hottest;
    put_memory(out, function, i, scale, options);
    if (options->heap)
        put_heap(out, row, scale, hot, options->precision);
    fprintf(out, "<td style=\"" CELL "%s\">%llu</td>", hot ? HOT : "",
            (unsigned long long)row->occurrences);
}

static void put_row(FILE *out, const struct mp_function *function, int i,
                    const struct scale *scale, const struct mp_notebook_options *options)
{
    bool ran = function->table.rows[i].occurrences > 0, hot = i == scale->hottest;
    fprintf(out, "<tr><th scope=\"row\" style=\"" CELL "font-weight:%s;%s\">%d</th>",
            hot ? "bold" : "normal", hot ? HOT : "", function->table.first + i);
    if (ran)
        put_figures(out, function, i, scale, options);
    else
        fprintf(out, "<td colspan=\"%d\"></td>",
                3 + (options->peaks ? 1 : 0) + (options->heap ? 4 : 0));
    fprintf(out, "<td style=\"%s%s\">%s", SOURCE,
            hot   ? HOT
            : ran ? ""
                  : "opacity:0.65;",
            hot ? "<strong>" : "");
    put_text(out, function->lines[i]);
    fputs(hot ? "</strong> <small>&#9664; added most</small>" : "", out);
    fputs(i == scale->top ? " <small>&#9650; most memory</small></td></tr>\n"
                          : "</td></tr>\n",
          out);
}

static void put_caption(FILE *out, const struct mp_function *function,
                        const struct scale *scale, int precision)
{
    fputs("<caption style=\"" CAPTION "\"><strong>", out);
    put_text(out, function->name);
    fputs("</strong> ", out);
    put_text(out, function->filename);
    fprintf(out, ", line %d", function->table.first);
    if (scale->hottest >= 0)
        fprintf(out, " &middot; line %d added most, %.*f MiB",
                function->table.first + scale->hottest, precision,
                (double)function->table.rows[scale->hottest].increment / MIB);
    fputs("</caption>\n", out);
}

static void put_function(FILE *out, const struct mp_function *function,
                         const struct mp_line_scale *all,
                         const struct mp_notebook_options *options)
{
    struct scale scale = {*all, mp_line_hottest(&function->table),
                          all->top == function ? all->top_row : -1};
    fputs("<table style=\"border-collapse:collapse;margin:0 0 14px 0;" MONO "\">", out);
    put_caption(out, function, &scale, options->precision);
    fputs("<thead><tr>", out);
    put_head(out, "Line #", CELL);
    put_head(out, "Mem usage", CELL);
    put_head(out, "Increment", CELL);
    if (options->peaks)
        put_head(out, "Peak", CELL);
    if (options->heap) {
        put_head(out, "Allocated", CELL);
        put_head(out, "Freed", CELL);
        put_head(out, "Net", CELL);
        put_head(out, "Heap peak", CELL);
    }
    put_head(out, "Occurrences", CELL);
    put_head(out, "Line Contents", SOURCE);
    fputs("</tr></thead><tbody>\n", out);
    for (int i = 0; i < function->table.count; i++)
        put_row(out, function, i, &scale, options);
    fputs("</tbody></table>\n", out);
}

void mp_notebook_lines(FILE *out, const struct mp_function *functions, size_t count,
                       const struct mp_notebook_options *options)
{
    fputs("<div style=\"overflow-x:auto\">\n", out);
    struct mp_line_scale scale = mp_line_scale(functions, count, options->peaks);
    for (size_t i = 0; i < count; i++)
        put_function(out, &functions[i], &scale, options);
    if (!count)
        fputs("<p>No measured function ran.</p>\n", out);
    fputs("</div>\n", out);
}

void mp_notebook_runs(FILE *out, const struct mp_notebook_runs *runs)
{
    int64_t peak = runs->peaks[0];
    for (size_t i = 1; i < runs->count; i++)
        peak = runs->peaks[i] > peak ? runs->peaks[i] : peak;
    fprintf(out,
            "<div style=\"overflow-x:auto\">\n<table style=\"border-collapse:collapse;" MONO
            "\"><caption style=\"" CAPTION "\"><strong>peak memory: %.2f MiB</strong>, "
            "increment: %.2f MiB over %.2f MiB before</caption>\n<thead><tr>",
            (double)peak / MIB, (double)(peak - runs->baseline) / MIB,
            (double)runs->baseline / MIB);
    put_head(out, "Run", CELL);
    put_head(out, "Peak", CELL);
    put_head(out, "Increment", CELL "min-width:120px;");
    fputs("</tr></thead><tbody>\n", out);
    for (size_t i = 0; i < runs->count; i++) {
        int64_t grown = runs->peaks[i] - runs->baseline;
        bool hot = runs->count > 1 && runs->peaks[i] == peak;
        fprintf(out, "<tr><th scope=\"row\" style=\"" CELL "font-weight:%s;%s\">%zu%s</th>",
                hot ? "bold" : "normal", hot ? HOT : "", i + 1,
                hot ? " <small>highest</small>" : "");
        put_cell(out, runs->peaks[i], 0, LEVEL, hot, 2);
        put_cell(out, grown, share_of(grown, peak - runs->baseline),
                 grown < 0 ? SHRINK : GROW, hot, 2);
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}
