#include "report/heap/types.h"

#include <inttypes.h>
#include <string.h>

#include "base/escape.h"
#include "report/heap/range.h"
#include "report/heap/summary.h"

enum { GAP = 2, LEAST_NAME = 24, SIZES = 4, LEAST_OTHER = 1 << 14 };

struct printing {
    const struct mp_heap_view *view;
    const struct mp_heap_type_rows *rows;
    const struct mp_heap_line *const *lines; /* by number; NULL: rows are types */
    const struct mp_heap_table_options *options;
    size_t shown;
    struct mp_heap_type_row rest;
};

/* The line of a row; NULL where rows are types, or it is none's. */
static const struct mp_heap_line *line_of(const struct printing *printing,
                                          const struct mp_heap_type_row *row)
{
    return printing->lines && row->line && row->line != MP_HEAP_NO_LINE
               ? printing->lines[row->line]
               : NULL;
}

static bool is_object(const struct mp_heap_type_row *row)
{
    return row->type >= MP_HEAP_TYPES_FIRST;
}

/* Text. */

struct cells {
    char text[SIZES][MP_HEAP_FIGURE];
};

static struct cells cells_of(const struct printing *printing,
                             const struct mp_heap_type_row *row, bool objects)
{
    struct cells cells = {0};
    const struct mp_heap_header *header = printing->view->header;
    mp_heap_tight_estimate(header, mp_heap_type_row_size(row), cells.text[0]);
    if (row->type == MP_HEAP_TYPE_MAPPED && objects)
        strcpy(cells.text[1], "-"); /* they are no blocks */
    else
        mp_heap_signed_count(row->blocks, cells.text[1]);
    if (objects && is_object(row) && row->blocks > 0)
        mp_heap_size(row->bytes / row->blocks, cells.text[2]);
    if (row->kept)
        mp_heap_tight_estimate(header, row->kept, cells.text[3]);
    return cells;
}

static void widen(int widths[SIZES], const struct cells *cells)
{
    for (int i = 0; i < SIZES; i++) {
        int width = (int)strlen(cells->text[i]);
        widths[i] = width > widths[i] ? width : widths[i];
    }
}

static void put_cells(FILE *out, const int widths[SIZES], const struct cells *cells)
{
    for (int i = 0; i < SIZES; i++)
        fprintf(out, "%*s%*s", widths[i], cells->text[i], GAP, "");
}

static void put_place(FILE *out, const struct printing *printing,
                      const struct mp_heap_type_row *row, int columns)
{
    const struct mp_heap_line *line = line_of(printing, row);
    const struct mp_heap_style *style = printing->options->style;
    if (row->line == MP_HEAP_NO_LINE)
        fputs("(no Python code running, or small stacks)", out);
    else if (!line)
        fputs(MP_HEAP_OWN_NAME, out);
    else if (line->importing)
        fputs(MP_HEAP_IMPORTING, out);
    else {
        mp_heap_begin_place(out, style, line->users);
        mp_heap_put_place(out, style, printing->view, line->code, line->line, columns);
        mp_heap_end_place(out, style, line->users);
    }
}

/* A name has half of what is left where a place follows it. */
static void put_row(FILE *out, const struct printing *printing,
                    const struct mp_heap_type_row *row, const int widths[SIZES],
                    int name_width)
{
    const struct mp_heap_style *style = printing->options->style;
    struct cells cells = cells_of(printing, row, true);
    int used = SIZES * GAP, width = style->width;
    put_cells(out, widths, &cells);
    for (int i = 0; i < SIZES; i++)
        used += widths[i];
    int columns = width - used > LEAST_NAME ? width - used : LEAST_NAME;
    const char *name = printing->rows->typing.text + row->name.offset;
    if (!printing->lines) {
        mp_heap_put_text(out, style, name, row->name.length, width ? columns : 0,
                         MP_HEAP_CUT_START);
    } else {
        int length =
            (int)row->name.length < name_width ? (int)row->name.length : name_width;
        mp_heap_put_text(out, style, name, row->name.length, name_width, MP_HEAP_CUT_START);
        fprintf(out, "%*s", name_width - length + GAP, "");
        columns -= name_width + GAP;
        put_place(out, printing, row,
                  !width                 ? 0
                  : columns > LEAST_NAME ? columns
                                         : LEAST_NAME);
    }
    fputc('\n', out);
}

static void put_sum(FILE *out, const struct printing *printing,
                    const struct mp_heap_type_row *sum, const int widths[SIZES],
                    const char *name)
{
    struct cells cells = cells_of(printing, sum, false);
    put_cells(out, widths, &cells);
    fprintf(out, "%s\n", name);
}

/* A mark that another process asked for is counted a little later. */
static bool is_other(int64_t live, int64_t counted)
{
    int64_t more = counted > live ? counted - live : live - counted;
    return more > live / 100 && more > LEAST_OTHER;
}

/* "4.9 MiB of its 7.8 MiB": near the peak is not at it. */
static const char *put_part(const struct mp_heap_view *view, int64_t live,
                            char room[2 * MP_HEAP_FIGURE])
{
    char part[MP_HEAP_FIGURE], peak[MP_HEAP_FIGURE];
    snprintf(room, 2 * MP_HEAP_FIGURE, "%.24s of its %.24s", mp_heap_size(live, part),
             mp_heap_size(view->header->peak, peak));
    return room;
}

/* Of several processes at a moment each has a count of its own. */
static bool is_of_each(const struct mp_heap_view *view)
{
    return view->typed_at && mp_heap_is_at(view) &&
           view->range->to.when != MP_HEAP_WHEN_END;
}

void mp_heap_put_types_when(FILE *out, const struct mp_heap_view *view,
                            const struct mp_heap_typing *typing)
{
    const struct mp_heap_census *then = typing->then;
    char words[MP_HEAP_RANGE_WORDS], size[2 * MP_HEAP_FIGURE];
    if (is_of_each(view)) {
        fprintf(out, "live %s: of each process what was counted nearest to it",
                mp_heap_range_words(view, words));
    } else if (!then) {
        fputs("live when recording ended", out);
        if (mp_heap_is_at(view) && view->range->to.when == MP_HEAP_WHEN_PEAK)
            fprintf(out, ", the count that is nearest to the peak: %s",
                    put_part(view, view->header->live, size));
    } else if (then->of == MP_HEAP_CENSUS_MARK) {
        fprintf(out, "live %s", mp_heap_range_words(view, words));
        if (is_other(view->range->to.live, then->live))
            fprintf(out, ", counted %.3f s later: %s",
                    (double)(then->time - view->range->to.time) / 1e9,
                    mp_heap_size(then->live, size));
    } else if (then->of == MP_HEAP_CENSUS_ASKED) {
        fprintf(out, "live at %.3f s, when 'mprof snapshot' asked",
                (double)then->time / 1e9);
    } else {
        fprintf(out, "live near the peak, at %.3f s: %s", (double)then->time / 1e9,
                put_part(view, then->live, size));
    }
}

static void put_text(FILE *out, const struct printing *printing)
{
    static const char *const titles[SIZES] = {"live", "objects", "each", "beside"};
    const struct mp_heap_type_rows *rows = printing->rows;
    char name[MP_HEAP_FIGURE + 16], number[MP_HEAP_FIGURE];
    int widths[SIZES], name_width = 4;
    struct cells cells;
    for (int i = 0; i < SIZES; i++)
        widths[i] = (int)strlen(titles[i]);
    for (size_t i = 0; i < printing->shown; i++) {
        int length = (int)rows->rows[i].name.length;
        cells = cells_of(printing, &rows->rows[i], true);
        widen(widths, &cells);
        name_width = length > name_width ? length : name_width;
    }
    cells = cells_of(printing, &rows->whole, false);
    widen(widths, &cells);
    if (printing->options->style->width && name_width > LEAST_NAME + GAP)
        name_width = LEAST_NAME + GAP;
    for (int i = 0; i < SIZES; i++)
        fprintf(out, "%*s%*s", widths[i], titles[i], GAP, "");
    fprintf(out, printing->lines ? "%-*s%*swhere\n" : "type\n", name_width, "type", GAP,
            "");
    for (size_t i = 0; i < printing->shown; i++)
        put_row(out, printing, &rows->rows[i], widths, name_width);
    snprintf(name, sizeof name, "(%s more)",
             mp_heap_count(rows->count - printing->shown, number));
    if (rows->count > printing->shown)
        put_sum(out, printing, &printing->rest, widths, name);
    put_sum(out, printing, &rows->whole, widths, "all");
    mp_heap_put_types_when(out, printing->view, &printing->rows->typing);
    fputs("; beside: what objects keep in blocks of their own\n", out);
    if (printing->view->untyped)
        fprintf(out, "%zu %s not in it: nobody counted what the blocks were\n",
                printing->view->untyped,
                printing->view->untyped == 1 ? "process is" : "processes are");
    mp_heap_put_missing(out, printing->view->header, printing->options->incomplete);
}

/* For programs. */

static void put_figures(FILE *out, const struct mp_heap_type_row *row, const char *format)
{
    fprintf(out, format, row->blocks, row->bytes, row->kept_blocks, row->kept);
}

#define FIGURES_CSV "%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64
#define FIGURES_JSON                                                              \
    "\"objects\": %" PRId64 ", \"bytes\": %" PRId64 ", \"kept_blocks\": %" PRId64 \
    ", \"kept_bytes\": %" PRId64

static void put_line(FILE *out, const struct printing *printing,
                     const struct mp_heap_type_row *row, bool json)
{
    static const struct mp_heap_line nowhere;
    const struct mp_heap_line *line = line_of(printing, row);
    line = line ? line : &nowhere;
    const struct mp_heap_code *code = &printing->view->codes[line->code];
    void (*how)(FILE *, const char *, size_t) = json ? mp_escape_json : mp_escape_csv;
    fputs(json ? ", \"file\": " : ",", out);
    how(out, printing->view->text + code->file.offset, code->file.length);
    fprintf(out, json ? ", \"line\": %d, \"function\": " : ",%d,", line->line);
    how(out, printing->view->text + code->name.offset, code->name.length);
}

static void put_csv(FILE *out, const struct printing *printing)
{
    const struct mp_heap_type_rows *rows = printing->rows;
    fputs(printing->lines ? "type,file,line,function," : "type,", out);
    fputs("objects,bytes,kept_blocks,kept_bytes\n", out);
    for (size_t i = 0; i < printing->shown; i++) {
        const struct mp_heap_type_row *row = &rows->rows[i];
        mp_escape_csv(out, rows->typing.text + row->name.offset, row->name.length);
        if (printing->lines)
            put_line(out, printing, row, false);
        fputc(',', out);
        put_figures(out, row, FIGURES_CSV);
        fputc('\n', out);
    }
}

/* Null: at the end. */
static void put_census(FILE *out, const struct mp_heap_view *view,
                       const struct mp_heap_census *then)
{
    static const char *const kinds[] = {"peak", "mark", "asked"};
    if (is_of_each(view))
        fprintf(out, "{\"kind\": \"each\", \"time\": %" PRId64 ", \"live\": %" PRId64 "}",
                view->range->to.time, view->range->to.live);
    else if (then)
        fprintf(out, "{\"kind\": \"%s\", \"time\": %" PRId64 ", \"live\": %" PRId64 "}",
                kinds[then->of], then->time, then->live);
    else
        fputs("null", out);
}

static void put_json(FILE *out, const struct printing *printing)
{
    static const char *const kinds[] = {"none", "reuse", "malloc", "mmap", "object"};
    const struct mp_heap_type_rows *rows = printing->rows;
    mp_heap_table_begin_json(out, printing->view->header,
                             printing->lines ? "line,type" : "type", printing->options);
    for (size_t i = 0; i < printing->shown; i++) {
        const struct mp_heap_type_row *row = &rows->rows[i];
        fputs(i ? ",\n    {\"type\": " : "\n    {\"type\": ", out);
        mp_escape_json(out, rows->typing.text + row->name.offset, row->name.length);
        fprintf(out, ", \"kind\": \"%s\"",
                kinds[is_object(row) ? MP_HEAP_TYPES_FIRST : row->type]);
        if (printing->lines)
            put_line(out, printing, row, true);
        fputs(", ", out);
        put_figures(out, row, FIGURES_JSON);
        fputc('}', out);
    }
    fprintf(out, "],\n  \"more\": {\"rows\": %zu, ", rows->count - printing->shown);
    put_figures(out, &printing->rest, FIGURES_JSON);
    fputs("},\n  \"all\": {", out);
    put_figures(out, &rows->whole, FIGURES_JSON);
    fprintf(out,
            "},\n  \"processes_without\": %zu, \"counted\": ", printing->view->untyped);
    put_census(out, printing->view, rows->typing.then);
    fputs("\n}\n", out);
}

/* How many rows have so much of the whole. */
static size_t rows_from(const struct mp_heap_type_rows *rows, double least)
{
    size_t count = 0;
    double whole = (double)mp_heap_type_row_size(&rows->whole) * least;
    while (count < rows->count &&
           (double)mp_heap_type_row_size(&rows->rows[count]) >= whole)
        count++;
    return count ? count : rows->count;
}

void mp_heap_types_print(FILE *out, const struct mp_heap_view *view,
                         const struct mp_heap_type_rows *rows,
                         const struct mp_heap_line *const *lines,
                         const struct mp_heap_table_options *options)
{
    struct printing printing = {.view = view,
                                .rows = rows,
                                .lines = lines,
                                .options = options,
                                .shown = rows->count};
    if (options->form == MP_HEAP_TABLE_TEXT)
        printing.shown = rows_from(rows, options->least);
    if (printing.shown > options->most)
        printing.shown = options->most;
    for (size_t i = printing.shown; i < rows->count; i++)
        mp_heap_type_row_add(&printing.rest, &rows->rows[i]);
    if (options->form == MP_HEAP_TABLE_CSV)
        put_csv(out, &printing);
    else if (options->form == MP_HEAP_TABLE_JSON)
        put_json(out, &printing);
    else
        put_text(out, &printing);
}
