#include "report/lines/html.h"

#include <string.h>

#include "base/escape.h"
#include "report/lines/scale.h"
#include "report/lines/size.h"

static const char style[] =
    "<style>\n"
    ".mp-lines{--ink:#1c2024;--dim:#60646c;--rule:#e0e1e6;--paper:#fff;--band:#f6f7f9;"
    "--grow:#d9480f;--shrink:#2b8a3e;--level:#4c6ef5;--hot:#fff0e6;color:var(--ink);"
    "background:var(--paper);font:14px/1.45 system-ui,sans-serif}\n"
    "@media(prefers-color-scheme:dark){.mp-lines{--ink:#edeef0;--dim:#b0b4ba;--rule:#363a3f;"
    "--paper:#18191b;--band:#212225;--grow:#ff8a4c;--shrink:#69db7c;--level:#91a7ff;"
    "--hot:#3b2417}}\n"
    ".mp-lines section{margin:0 0 2.5em}\n"
    ".mp-lines h2{font-size:1.15em;margin:0}.mp-lines p{margin:.1em 0 .7em;color:var(--dim)}\n"
    ".mp-lines table{border-collapse:collapse;font:12.5px/1.5 ui-monospace,Menlo,Consolas,"
    "monospace;width:100%}\n"
    ".mp-lines th,.mp-lines td{padding:1px 10px;text-align:right;white-space:nowrap;"
    "color:inherit;background:none}\n"
    ".mp-lines thead th{position:sticky;top:0;background:var(--band);color:var(--dim);"
    "font-weight:600;border-bottom:1px solid var(--rule)}\n"
    ".mp-lines thead th{min-width:12ch}.mp-lines thead th:first-child{min-width:6ch}\n"
    ".mp-lines tbody th{color:var(--dim);font-weight:400}\n"
    ".mp-lines .src{text-align:left;white-space:pre-wrap;overflow-wrap:anywhere;"
    "min-width:24ch;width:100%;tab-size:8}\n"
    ".mp-lines tr.hot>*{background:var(--hot)}.mp-lines tr.idle .src{color:var(--dim)}\n"
    ".mp-lines td.top{font-weight:700}.mp-lines td.top::before{content:\"\\25B2\\A0\";"
    "color:var(--grow)}\n"
    ".mp-lines td{position:relative}.mp-lines .bar{position:absolute;right:10px;bottom:0;height:2px;"
    "min-width:1px;background:var(--level)}\n"
    ".mp-lines .grow{background:var(--grow)}.mp-lines .shrink{background:var(--shrink)}\n"
    /* A number of a line stands beside its figures, however many rows of them there are. */
    "@media(max-width:700px){.mp-lines table,.mp-lines thead,.mp-lines tbody{display:block}"
    ".mp-lines tr>:first-child{grid-row:1/span 4}"
    ".mp-lines tr{display:grid;grid-template-columns:5ch "
    "repeat(auto-fit,minmax(11ch,1fr))}.mp-lines th,.mp-lines td{padding:1px 3px;font-size:11px}"
    ".mp-lines thead th,.mp-lines thead th:first-child{min-width:0;white-space:normal}"
    ".mp-lines .src{grid-column:1/-1;width:auto;"
    "padding-bottom:5px}.mp-lines td[colspan]{display:none}"
    ".mp-lines .bar{right:3px}.mp-lines p{overflow-wrap:anywhere}}\n"
    "</style>\n";

static const double MIB = 1024.0 * 1024.0;

/* What a function's rows are drawn with. */
struct scale {
    struct mp_line_scale all; /* of the page */
    int hottest;              /* row that added most; -1: none added */
    int top;                  /* row with the most memory of all functions; -1: elsewhere */
};

static void put_text(FILE *out, struct mp_text text)
{
    mp_escape_html(out, text.bytes, text.length);
}

static void end_cell(FILE *out, int64_t bar, int64_t full, const char *kind)
{
    double share = full > 0 ? (double)(bar < 0 ? -bar : bar) / (double)full : 0;
    if (share >= 0.0005)
        fprintf(out,
                "<span class=\"bar%s\" style=\"width:calc((100%% - 20px)*%.3f)\"></span>",
                kind, share);
    fputs("</td>", out);
}

static void put_cell(FILE *out, int64_t shown, int64_t bar, int64_t full, const char *kind,
                     int precision)
{
    fprintf(out, "<td>%.*f MiB", precision, (double)shown / MIB);
    end_cell(out, bar, full, kind);
}

static void put_level(FILE *out, int64_t bytes, const struct scale *scale, bool is_top,
                      int precision)
{
    fprintf(out, "<td%s>%.*f MiB", is_top ? " class=\"top\"" : "", precision,
            (double)bytes / MIB);
    end_cell(out, bytes, scale->all.memory, "");
}

static void put_size(FILE *out, int64_t bytes, const struct scale *scale, const char *kind,
                     int precision)
{
    char size[MP_SIZE_ROOM];
    fprintf(out, "<td>%s", mp_size_text(bytes, precision, size));
    int64_t held = scale->all.held, moved = scale->all.moved;
    end_cell(out, bytes, held > moved ? held : moved, kind);
}

static void put_heap(FILE *out, const struct mp_line *row, const struct scale *scale,
                     int precision)
{
    int64_t net = mp_line_net(row);
    put_size(out, (int64_t)row->allocated, scale, "", precision);
    put_size(out, (int64_t)row->freed, scale, "", precision);
    put_size(out, net, scale, net < 0 ? " shrink" : " grow", precision);
    put_size(out, row->heap_peak, scale, "", precision);
}

static void put_memory(FILE *out, const struct mp_function *function, int i,
                       const struct scale *scale, const struct mp_html_options *options)
{
    int precision = options->precision;
    const struct mp_line *row = &function->table.rows[i];
    bool is_top = i == scale->top;
    if (!mp_line_is_read(row)) {
        fprintf(out, "<td colspan=\"%d\"></td>", 2 + (options->peaks ? 1 : 0));
        return;
    }
    put_level(out, row->memory, scale, is_top && !options->peaks, precision);
    put_cell(out, mp_line_table_increment(&function->table, function->table.first + i),
             row->increment, scale->all.increment, row->increment < 0 ? " shrink" : " grow",
             precision);
    if (options->peaks)
        put_level(out, row->peak, scale, is_top, precision);
}

static void put_row(FILE *out, const struct mp_function *function, int i,
                    const struct scale *scale, const struct mp_html_options *options)
{
    const struct mp_line *row = &function->table.rows[i];
    fprintf(out, "<tr%s><th scope=\"row\">%d</th>",
            i == scale->hottest ? " class=\"hot\""
            : row->occurrences  ? ""
                                : " class=\"idle\"",
            function->table.first + i);
    if (row->occurrences) {
        put_memory(out, function, i, scale, options);
        if (options->heap)
            put_heap(out, row, scale, options->precision);
        fprintf(out, "<td>%llu</td>", (unsigned long long)row->occurrences);
    } else {
        fprintf(out, "<td colspan=\"%d\"></td>",
                3 + (options->peaks ? 1 : 0) + (options->heap ? 4 : 0));
    }
    fputs("<td class=\"src\">", out);
    put_text(out, function->lines[i]);
    fputs("</td></tr>\n", out);
}

static void put_function(FILE *out, const struct mp_function *function,
                         const struct mp_line_scale *all,
                         const struct mp_html_options *options)
{
    struct scale scale = {*all, mp_line_hottest(&function->table),
                          all->top == function ? all->top_row : -1};
    fputs("<section><h2>", out);
    put_text(out, function->name);
    fputs("</h2>\n<p>", out);
    put_text(out, function->filename);
    fprintf(out, ", line %d", function->table.first);
    if (scale.hottest >= 0)
        fprintf(out, " &middot; line %d added most, %.*f MiB",
                function->table.first + scale.hottest, options->precision,
                (double)function->table.rows[scale.hottest].increment / MIB);
    if (scale.top >= 0)
        fprintf(out, " &middot; line %d has the most memory of all, %.*f MiB",
                function->table.first + scale.top, options->precision,
                (double)all->top_bytes / MIB);
    fputs(
        "</p>\n<table><thead><tr><th scope=\"col\">Line #</th><th scope=\"col\">Mem usage</th>"
        "<th scope=\"col\">Increment</th>",
        out);
    if (options->peaks)
        fputs("<th scope=\"col\">Peak</th>", out);
    if (options->heap)
        fputs("<th scope=\"col\">Allocated</th><th scope=\"col\">Freed</th>"
              "<th scope=\"col\">Net</th><th scope=\"col\">Heap peak</th>",
              out);
    fputs("<th scope=\"col\">Occurrences</th><th scope=\"col\" class=\"src\">Line Contents"
          "</th></tr></thead><tbody>\n",
          out);
    for (int i = 0; i < function->table.count; i++)
        put_row(out, function, i, &scale, options);
    fputs("</tbody></table></section>\n", out);
}

static void put_head(FILE *out, const struct mp_html_options *options)
{
    fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
          "style-src 'unsafe-inline'\">\n"
          "<meta name=\"generator\" content=\"memory_profiler\">\n"
          "<meta name=\"viewport\" content=\"width=device-width\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n<title>",
          out);
    mp_escape_html(out, options->title, strlen(options->title));
    fputs(
        "</title>\n<style>body{margin:0;padding:24px 32px}@media(max-width:700px){body{padding:12px}}"
        "@media(prefers-color-scheme:dark){body{background:#18191b}}</style>\n</head><body>\n",
        out);
}

void mp_html_lines(FILE *out, const struct mp_function *functions, size_t count,
                   const struct mp_html_options *options)
{
    put_head(out, options);
    fputs(style, out);
    fputs("<main class=\"mp-lines\">\n", out);
    fputs("<h1 style=\"font-size:1.4em;margin:0\">", out);
    mp_escape_html(out, options->title, strlen(options->title));
    fprintf(out, "</h1>\n<p>memory_profiler %s, backend %s</p>\n", MP_VERSION,
            options->backend);
    struct mp_line_scale scale = mp_line_scale(functions, count, options->peaks);
    for (size_t i = 0; i < count; i++)
        put_function(out, &functions[i], &scale, options);
    if (!count)
        fputs("<p>No measured function ran.</p>\n", out);
    fputs("</main>\n</body></html>\n", out);
}
