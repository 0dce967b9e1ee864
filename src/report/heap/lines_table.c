#include "report/heap/lines_table.h"

#include <string.h>

#include "report/heap/callers.h"
#include "report/heap/marks.h"
#include "report/heap/types_beneath.h"

enum { LEAST_PLACE = 30, INDENT = 8, SHARE = 7, OWN = 0, TOTAL, BLOCKS, COLUMNS };

/* One row: a line, and where it is the user's what it called. */
struct row {
    const struct mp_heap_line *line;
    const struct mp_heap_beneath *beneath; /* NULL: show its callers */
};

/* What all rows need: the table, its rows, how wide its columns are. */
struct drawing {
    FILE *out;
    const struct mp_heap_lines_table *table;
    const struct mp_heap_lines *lines; /* of one of these two */
    const struct mp_heap_your_lines *yours;
    const char *titles[COLUMNS]; /* NULL: no such column */
    int widths[COLUMNS];
    bool tight; /* errors of samples in short */
};

static struct row row_at(const struct drawing *drawing, size_t i)
{
    if (drawing->lines)
        return (struct row){&drawing->lines->lines[i], NULL};
    const struct mp_heap_your_line *yours = &drawing->yours->lines[i];
    return (struct row){&yours->line, &yours->beneath[drawing->table->order]};
}

static size_t rows_of(const struct drawing *drawing)
{
    return drawing->lines ? drawing->lines->count : drawing->yours->count;
}

static uint64_t weight_of(const struct drawing *drawing, const struct mp_heap_line *line)
{
    return mp_heap_line_weight(line, drawing->table->order);
}

static const char *estimate(const struct drawing *drawing, int64_t bytes,
                            char room[MP_HEAP_FIGURE])
{
    const struct mp_heap_header *header = drawing->table->view->header;
    return drawing->tight ? mp_heap_tight_estimate(header, bytes, room)
                          : mp_heap_estimate(header, bytes, room);
}

/* The figures of a row; sums of lines have no total. */
static void figures(const struct drawing *drawing, const struct mp_heap_line *line,
                    char rooms[COLUMNS][MP_HEAP_FIGURE])
{
    const struct mp_heap_sum *sum = &line->cumulative;
    *rooms[TOTAL] = 0;
    switch (drawing->table->order) {
    case MP_HEAP_BY_PEAK:
        estimate(drawing, line->at_peak, rooms[OWN]);
        if (line->number)
            estimate(drawing, sum->at_peak, rooms[TOTAL]);
        mp_heap_blocks(line->blocks_at_peak, (uint64_t)line->at_peak, rooms[BLOCKS]);
        break;
    case MP_HEAP_BY_LIVE:
        estimate(drawing, line->live, rooms[OWN]);
        if (line->number)
            estimate(drawing, sum->live, rooms[TOTAL]);
        mp_heap_blocks(line->live_blocks, (uint64_t)line->live, rooms[BLOCKS]);
        break;
    case MP_HEAP_BY_GROWTH:
    case MP_HEAP_BY_SHRINKING:
        estimate(drawing, line->growth, rooms[OWN]);
        if (line->number)
            estimate(drawing, sum->growth, rooms[TOTAL]);
        mp_heap_signed_count(line->growth_blocks, rooms[BLOCKS]);
        break;
    default:
        mp_heap_count(line->temporary, rooms[OWN]);
        estimate(drawing, mp_heap_line_total(line), rooms[BLOCKS]);
    }
}

static void widen(struct drawing *drawing, const struct mp_heap_line *line)
{
    char rooms[COLUMNS][MP_HEAP_FIGURE];
    figures(drawing, line, rooms);
    for (int i = 0; i < COLUMNS; i++)
        if (drawing->titles[i] && (int)strlen(rooms[i]) > drawing->widths[i])
            drawing->widths[i] = (int)strlen(rooms[i]);
}

static void put_columns(const struct drawing *drawing, const char *own, const char *share,
                        const char *total, const char *blocks)
{
    FILE *out = drawing->out;
    fprintf(out, "%*s %6s", drawing->widths[OWN], own, share);
    if (drawing->titles[TOTAL])
        fprintf(out, " %*s", drawing->widths[TOTAL], total);
    fprintf(out, " %*s  ", drawing->widths[BLOCKS], blocks);
}

static void put_figures(const struct drawing *drawing, const struct mp_heap_line *line)
{
    char rooms[COLUMNS][MP_HEAP_FIGURE], percent[MP_HEAP_FIGURE];
    double whole = (double)drawing->table->whole;
    figures(drawing, line, rooms);
    snprintf(percent, sizeof percent, "%.1f%%",
             whole > 0 ? 100.0 * (double)weight_of(drawing, line) / whole : 0);
    put_columns(drawing, rooms[OWN], percent, rooms[TOTAL], rooms[BLOCKS]);
}

static int place_column(const struct drawing *drawing)
{
    int total = drawing->titles[TOTAL] ? drawing->widths[TOTAL] + 1 : 0;
    return drawing->widths[OWN] + SHARE + total + 1 + drawing->widths[BLOCKS] + 2;
}

/* Columns from `at` on; 0 for any. */
static int rest(const struct drawing *drawing, int at)
{
    int width = drawing->table->options->style.width;
    return !width ? 0 : width - at > LEAST_PLACE ? width - at : LEAST_PLACE;
}

/* Where what belongs to a row's place begins. */
static int indent(const struct drawing *drawing)
{
    int column = place_column(drawing) + 2, width = drawing->table->options->style.width;
    return !width || width - column >= LEAST_PLACE ? column : INDENT;
}

static void put_source(const struct drawing *drawing, const struct mp_heap_line *line)
{
    size_t length;
    int column = indent(drawing);
    const struct mp_heap_text_options *options = drawing->table->options;
    const struct mp_heap_view *view = drawing->table->view;
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
    fprintf(drawing->out, "%*s", column, "");
    mp_heap_put_source(drawing->out, &options->style, text, length, rest(drawing, column));
    fputc('\n', drawing->out);
}

static void put_callers(const struct drawing *drawing, const struct mp_heap_line *line)
{
    int column = indent(drawing);
    struct mp_heap_callers_options how = {.order = drawing->table->order,
                                          .calls = &drawing->lines->calls,
                                          .style = &drawing->table->options->style,
                                          .indent = column,
                                          .room = rest(drawing, column)};
    mp_heap_put_callers(drawing->out, drawing->table->view, line, &how);
}

/* The library's line that allocated most of it; not where that is next to nothing. */
static void put_beneath(const struct drawing *drawing, const struct row *row)
{
    char size[MP_HEAP_FIGURE], text[MP_HEAP_FIGURE + 16];
    int column = indent(drawing);
    const struct mp_heap_view *view = drawing->table->view;
    const struct mp_heap_beneath *beneath = row->beneath;
    if (!beneath->code ||
        (double)beneath->weight < 0.01 * (double)weight_of(drawing, row->line))
        return;
    estimate(drawing, (int64_t)beneath->weight, size);
    int taken = snprintf(text, sizeof text, "%s of it in ", size);
    int width = drawing->table->options->style.width;
    column = width && width - column - taken < LEAST_PLACE ? INDENT : column;
    fprintf(drawing->out, "%*s%s", column, "", text);
    int room = rest(drawing, column + taken);
    if (beneath->importing)
        fputs(MP_HEAP_IMPORTING, drawing->out);
    else
        mp_heap_put_place(drawing->out, &drawing->table->options->style, view,
                          beneath->code, beneath->line, room);
    fputc('\n', drawing->out);
}

static void put_place(const struct drawing *drawing, const struct mp_heap_line *line,
                      int room)
{
    const struct mp_heap_style *style = &drawing->table->options->style;
    mp_heap_begin_place(drawing->out, style, line->users);
    if (line->importing)
        fputs(MP_HEAP_IMPORTING, drawing->out);
    else
        mp_heap_put_place(drawing->out, style, drawing->table->view, line->code, line->line,
                          room);
    mp_heap_end_place(drawing->out, style, line->users);
}

static void put_types(const struct drawing *drawing, const struct mp_heap_line *line)
{
    int column = indent(drawing);
    const struct mp_heap_text_options *options = drawing->table->options;
    if (options->types && drawing->table->order == MP_HEAP_BY_LIVE)
        mp_heap_put_types_beneath(drawing->out, drawing->table->view, options->types,
                                  line->number, &options->style, column,
                                  rest(drawing, column));
}

static void put_row(const struct drawing *drawing, const struct row *row)
{
    char words[MP_HEAP_MARK_WORDS];
    const struct mp_heap_lines_table *table = drawing->table;
    unsigned marks = mp_heap_unnamed_marks(table->view, row->line);
    int marked = (int)strlen(mp_heap_mark_words(marks, words));
    put_figures(drawing, row->line);
    put_place(drawing, row->line, rest(drawing, place_column(drawing) + marked));
    fprintf(drawing->out, "%s\n", words);
    *table->marks |= row->line->marks;
    put_source(drawing, row->line);
    put_types(drawing, row->line);
    if (row->beneath)
        put_beneath(drawing, row);
    else
        put_callers(drawing, row->line);
}

static void put_sum(const struct drawing *drawing, const struct mp_heap_line *sum,
                    const char *name)
{
    if (!weight_of(drawing, sum))
        return;
    put_figures(drawing, sum);
    fprintf(drawing->out, "%s\n", name);
}

/* What the rows that are not shown have together; returns how many there are. */
static size_t add_others(const struct drawing *drawing, size_t from,
                         struct mp_heap_line *sum)
{
    size_t i = from, count = rows_of(drawing);
    for (; i < count && weight_of(drawing, row_at(drawing, i).line); i++)
        mp_heap_line_add(sum, row_at(drawing, i).line);
    return i > from ? i - from : 0;
}

/* How many are shown. Small ones are not, but where all are. */
static size_t count_shown(const struct drawing *drawing)
{
    size_t shown = 0, count = rows_of(drawing);
    double least = drawing->table->options->least * (double)drawing->table->whole;
    for (; shown < count && shown < drawing->table->options->most; shown++) {
        uint64_t weight = weight_of(drawing, row_at(drawing, shown).line);
        if (!shown && (double)weight < least)
            least = 0;
        if (!weight || (double)weight < least)
            break;
    }
    return shown;
}

static bool is_small(const struct drawing *drawing, const struct mp_heap_line *own)
{
    return (double)weight_of(drawing, own) <
           drawing->table->options->least * (double)drawing->table->whole;
}

static void measure(struct drawing *drawing, size_t shown,
                    const struct mp_heap_line *others)
{
    const char *const *titles = drawing->titles;
    for (int i = 0; i < COLUMNS; i++)
        drawing->widths[i] = i == BLOCKS ? (int)strlen(titles[i]) : titles[i] ? 11 : 0;
    for (size_t i = 0; i < shown; i++)
        widen(drawing, row_at(drawing, i).line);
    widen(drawing, others);
}

static void begin(struct drawing *drawing, size_t shown, const struct mp_heap_line *others)
{
    const char *const *titles = drawing->titles;
    int width = drawing->table->options->style.width;
    measure(drawing, shown, others);
    if (width && width - place_column(drawing) < LEAST_PLACE) {
        drawing->tight = true;
        measure(drawing, shown, others);
    }
    fprintf(drawing->out, "\n%s\n", drawing->table->title);
    put_columns(drawing, titles[OWN], "share", titles[TOTAL], titles[BLOCKS]);
    fputs("where\n", drawing->out);
}

/* The rows, and the sum of those that are not shown, with `beside` where that is small: then it
   has no row of its own. Returns whether it has. */
static bool put_rows(struct drawing *drawing, const struct mp_heap_line *beside)
{
    char number[MP_HEAP_FIGURE], name[MP_HEAP_FIGURE + 16];
    struct mp_heap_line others = {0};
    size_t shown = count_shown(drawing), left = add_others(drawing, shown, &others);
    bool small = left && is_small(drawing, beside);
    if (small)
        mp_heap_line_add(&others, beside);
    begin(drawing, shown, &others);
    for (size_t i = 0; i < shown; i++) {
        struct row row = row_at(drawing, i);
        put_row(drawing, &row);
    }
    snprintf(name, sizeof name, "(%s more %s)", mp_heap_count(left, number),
             left == 1 ? "line" : "lines");
    put_sum(drawing, &others, name);
    return !small;
}

static struct drawing drawing_of(FILE *out, const struct mp_heap_lines_table *table)
{
    struct drawing drawing = {
        .out = out, .table = table, .titles = {"own", "total", "blocks"}};
    if (table->order != MP_HEAP_BY_CHURN)
        return drawing;
    drawing.titles[OWN] = "blocks";
    drawing.titles[TOTAL] = NULL;
    drawing.titles[BLOCKS] = "allocated";
    return drawing;
}

void mp_heap_put_lines(FILE *out, const struct mp_heap_lines_table *table,
                       struct mp_heap_lines *lines)
{
    struct drawing drawing = drawing_of(out, table);
    drawing.lines = lines;
    mp_heap_lines_sort(lines, table->view, table->order);
    if (count_shown(&drawing) && put_rows(&drawing, &lines->own))
        put_sum(&drawing, &lines->own, MP_HEAP_OWN_NAME);
}

void mp_heap_put_your_lines(FILE *out, const struct mp_heap_lines_table *table,
                            struct mp_heap_your_lines *yours)
{
    struct drawing drawing = drawing_of(out, table);
    drawing.yours = yours;
    mp_heap_your_lines_sort(yours, table->view, table->order);
    if (!count_shown(&drawing)) {
        if (table->whole)
            fprintf(out,
                    "\n%s\n  none led to any of it; --mine PATTERN says which code is "
                    "yours\n",
                    table->title);
        return;
    }
    if (put_rows(&drawing, &yours->own))
        put_sum(&drawing, &yours->own, MP_HEAP_OWN_NAME);
    put_sum(&drawing, &yours->elsewhere, MP_HEAP_NOT_YOURS);
}
