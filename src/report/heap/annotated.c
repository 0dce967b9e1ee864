#include "report/heap/annotated.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/heap/marks.h"
#include "report/heap/range.h"

enum { TOTAL, OWN, LIVE, ALLOCATED, BLOCKS, TEMPORARY, COLUMNS, SIZES = BLOCKS };
enum { LEAST_TEXT = 20, GOOD_TEXT = 40, GOOD_GROUP = 28, DECORATORS = 50 };
enum {
    WIDE = 100,
    LONG_TEXT = 72 /* where there is room: what a line of code has at most, nearly */
};

/* Short sizes and counts of one line or group, in the order in which they stand. */
struct figures {
    char text[COLUMNS][MP_HEAP_FIGURE];
};

static const char *const titles[COLUMNS] = {"total",     "own",    "live",
                                            "allocated", "blocks", "temporary"};

struct columns {
    const struct mp_heap_view *view;
    const struct mp_heap_header *header;
    int shown; /* so many of them: a narrow terminal leaves out the last ones */
    int errors; /* the column behind the last one with its error, where blocks were sampled */
    int widths[COLUMNS];
    int total; /* with a blank behind each, two behind the last */
};

static int64_t own_of(const struct mp_heap_view *view, const struct mp_heap_line *sum)
{
    return view->growth ? sum->growth : sum->at_peak;
}

/* Nothing is said of the error of none: the eye finds what there is. */
static struct figures figures_of(const struct columns *columns,
                                 const struct mp_heap_line *sum, int64_t cumulative)
{
    struct figures figures;
    const int64_t sizes[SIZES] = {cumulative, own_of(columns->view, sum), sum->live,
                                  mp_heap_line_total(sum)};
    for (int i = 0; i < SIZES; i++)
        if (columns->header->sample && sizes[i] && i < columns->errors)
            mp_heap_tight_estimate(columns->header, sizes[i], figures.text[i]);
        else
            mp_heap_size(sizes[i], figures.text[i]);
    mp_heap_count(sum->blocks, figures.text[BLOCKS]);
    mp_heap_count(sum->temporary, figures.text[TEMPORARY]);
    return figures;
}

static struct columns begin(const struct mp_heap_view *view, int shown, int errors)
{
    struct columns columns = {
        .view = view, .header = view->header, .shown = shown, .errors = errors, .total = 1};
    for (int i = 0; i < shown; i++)
        columns.total += (columns.widths[i] = (int)strlen(titles[i])) + 1;
    return columns;
}

static void widen(struct columns *columns, const struct mp_heap_line *sum,
                  int64_t cumulative)
{
    struct figures figures = figures_of(columns, sum, cumulative);
    for (int i = 0; i < columns->shown; i++) {
        int more = (int)strlen(figures.text[i]) - columns->widths[i];
        columns->widths[i] += more > 0 ? more : 0;
        columns->total += more > 0 ? more : 0;
    }
}

/* What the first two columns are of, where that is not the peak. */
static void put_range(FILE *out, const struct mp_heap_view *view)
{
    char words[MP_HEAP_RANGE_WORDS];
    if (view->range)
        fprintf(out, "total, own: %s%s\n", view->growth ? "growth " : "",
                mp_heap_range_words(view, words));
}

static void put_titles(FILE *out, const struct columns *columns)
{
    for (int i = 0; i < columns->shown; i++)
        fprintf(out, "%*s ", columns->widths[i], titles[i]);
    fputc(' ', out);
}

/* Nothing stands for none: the eye finds what there is. */
static void put_figures(FILE *out, const struct columns *columns,
                        const struct mp_heap_line *sum, int64_t cumulative)
{
    struct figures figures = figures_of(columns, sum, cumulative);
    for (int i = 0; i < columns->shown; i++) {
        const char *text = figures.text[i];
        bool none = !strcmp(text, "0") || !strcmp(text, "0 B");
        fprintf(out, "%*s ", columns->widths[i], none ? "" : text);
    }
    fputc(' ', out);
}

/* What they leave is too narrow. */
static bool are_wide(const struct columns *columns, const struct mp_heap_style *style,
                     int beside)
{
    return style->width && columns->total + beside > style->width;
}

/* The next narrower choice: errors go, but for one, and then columns, down to those of bytes in
   use. False: there is none. */
static bool narrow(struct columns *columns)
{
    if (columns->header->sample && columns->errors > 1)
        columns->errors--;
    else if (columns->shown > ALLOCATED)
        columns->shown--;
    else
        return false;
    return true;
}

static int rest(const struct mp_heap_style *style, int taken)
{
    int room = style->width - taken;
    return !style->width ? 0 : room > LEAST_TEXT ? room : LEAST_TEXT;
}

static void put_group(FILE *out, const struct mp_heap_view *view,
                      const struct mp_heap_group *group, const struct mp_heap_style *style,
                      int columns)
{
    char number[MP_HEAP_FIGURE];
    mp_heap_count(group->files, number);
    switch (group->kind) {
    case MP_HEAP_OWN:
        fputs(MP_HEAP_OWN_NAME, out);
        return;
    case MP_HEAP_NOWHERE:
        fputs("(no Python code running)", out);
        return;
    case MP_HEAP_LIBRARY:
        if (group->name.length)
            break;
        fprintf(out, "(standard library, %s %s)", number,
                group->files == 1 ? "file" : "files");
        return;
    default:
        break;
    }
    bool several = group->files > 1;
    int taken = several ? (int)strlen(number) + 9 : 0;
    mp_heap_put_file(out, style, view, group->name,
                     columns ? (columns - taken > 12 ? columns - taken : 12) : 0);
    if (several)
        fprintf(out, " (%s files)", number);
}

/* What the groups have together that are not shown; `shown` tells which are. */
struct others {
    struct mp_heap_line sum, all;
    size_t count;
    bool *shown;
};

static int choose_groups(struct others *others, const struct mp_heap_view *view,
                         const struct mp_heap_groups *groups, size_t most, double least)
{
    size_t count = 0;
    *others = (struct others){.shown = calloc(groups->count + 1, sizeof(bool))};
    for (size_t i = 0; i < groups->count; i++)
        mp_heap_line_add(&others->all, &groups->groups[i].sum);
    double whole = (double)mp_heap_magnitude(own_of(view, &others->all));
    for (size_t i = 0; others->shown && i < groups->count; i++) {
        const struct mp_heap_line *sum = &groups->groups[i].sum;
        double total = (double)mp_heap_magnitude(mp_heap_sum_shown(view, &sum->cumulative));
        bool large =
            mp_heap_line_share(sum, &others->all) >= least || total > least * whole;
        others->shown[i] = count < most && large;
        count += others->shown[i];
        if (!others->shown[i])
            mp_heap_line_add(&others->sum, sum);
    }
    others->count = groups->count - count;
    return others->shown ? 0 : -1;
}

static struct columns columns_of_groups(const struct mp_heap_view *view,
                                        const struct mp_heap_groups *groups,
                                        const struct others *others,
                                        const struct mp_heap_style *style)
{
    struct columns columns = {.shown = COLUMNS, .errors = SIZES};
    do {
        columns = begin(view, columns.shown, columns.errors);
        for (size_t i = 0; i < groups->count; i++)
            if (others->shown[i])
                widen(&columns, &groups->groups[i].sum,
                      mp_heap_sum_shown(view, &groups->groups[i].sum.cumulative));
        widen(&columns, &others->sum, 0);
        widen(&columns, &others->all, own_of(view, &others->all));
    } while (are_wide(&columns, style, GOOD_GROUP) && narrow(&columns));
    return columns;
}

static void put_groups(FILE *out, const struct mp_heap_view *view,
                       const struct mp_heap_groups *groups, const struct others *others,
                       const struct mp_heap_style *style)
{
    struct columns columns = columns_of_groups(view, groups, others, style);
    char number[MP_HEAP_FIGURE];
    fputc('\n', out);
    put_range(out, view);
    put_titles(out, &columns);
    fputs("where\n", out);
    for (size_t i = 0; i < groups->count; i++) {
        if (!others->shown[i])
            continue;
        put_figures(out, &columns, &groups->groups[i].sum,
                    mp_heap_sum_shown(view, &groups->groups[i].sum.cumulative));
        mp_heap_begin_place(out, style, groups->groups[i].sum.users);
        put_group(out, view, &groups->groups[i], style, rest(style, columns.total));
        mp_heap_end_place(out, style, groups->groups[i].sum.users);
        fputc('\n', out);
    }
    if (others->count) {
        put_figures(out, &columns, &others->sum, 0);
        fprintf(out, "(%s more)\n", mp_heap_count(others->count, number));
    }
    put_figures(out, &columns, &others->all, own_of(view, &others->all));
    fputs("in all\n", out);
}

int mp_heap_groups_text(FILE *out, const struct mp_heap_view *view,
                        const struct mp_heap_groups *groups,
                        const struct mp_heap_style *style, size_t most, double least)
{
    struct others others;
    int failed = choose_groups(&others, view, groups, most, least);
    if (!failed)
        put_groups(out, view, groups, &others, style);
    free(others.shown);
    return failed;
}

/* What is drawn, and how. */
struct drawing {
    FILE *out;
    const struct mp_heap_view *view;
    const struct mp_heap_listing *listing;
    const struct mp_heap_source_text *source;
    const struct mp_heap_style *style;
    struct columns columns;
    int number_width;
    size_t at; /* the next of the listing's lines */
};

static void put_row(const struct drawing *drawing, int64_t number,
                    const struct mp_heap_listed *listed)
{
    static const struct mp_heap_listed nothing;
    const struct mp_heap_listed *figures = listed ? listed : &nothing;
    size_t length = 0;
    const char *text = mp_heap_source_at(drawing->source, number, &length);
    FILE *out = drawing->out;
    char words[MP_HEAP_MARK_WORDS];
    int marked = (int)strlen(mp_heap_mark_words(figures->self.marks, words));
    int room =
        rest(drawing->style, drawing->number_width + 2 + drawing->columns.total + marked);
    char *row = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&row, &size);
    if (!stream)
        return;
    fprintf(stream, "%*" PRId64 "  ", drawing->number_width, number);
    put_figures(stream, &drawing->columns, &figures->self,
                mp_heap_sum_shown(drawing->view, &figures->cumulative));
    if (text)
        mp_heap_put_source(stream, drawing->style, text, length, room);
    else if (listed) {
        const struct mp_heap_code *code = &drawing->view->codes[listed->self.code];
        fputs("in ", stream);
        mp_heap_put_text(stream, drawing->style, drawing->view->text + code->name.offset,
                         code->name.length, room ? room - 3 : 0, MP_HEAP_CUT_END);
    }
    fputs(words, stream);
    fclose(stream);
    while (size && row[size - 1] == ' ')
        size--;
    fprintf(out, "%.*s\n", (int)size, row);
    free(row);
}

static bool starts_with_word(const char *text, size_t length, const char *word)
{
    size_t its = strlen(word);
    return length > its && !memcmp(text, word, its) &&
           (text[its] == ' ' || text[its] == '\t');
}

/* A class's code runs once and spans all its methods: not a function to show as a whole. */
static bool is_class(const struct mp_heap_source_text *source, int first)
{
    size_t length;
    const char *text;
    for (int i = 0; i < DECORATORS; i++) {
        if (!(text = mp_heap_source_at(source, (int64_t)first + i, &length)))
            return false;
        while (length && (*text == ' ' || *text == '\t')) {
            text++;
            length--;
        }
        if (starts_with_word(text, length, "class"))
            return true;
        if (starts_with_word(text, length, "def") ||
            starts_with_word(text, length, "async"))
            return false;
    }
    return false;
}

static bool is_module(const struct mp_heap_view *view, uint32_t code)
{
    static const char module[] = "<module>";
    struct mp_heap_text name = view->codes[code].name;
    return name.length == sizeof module - 1 &&
           !memcmp(view->text + name.offset, module, name.length);
}

static bool has(const struct mp_heap_source_text *source, int64_t line)
{
    size_t length;
    return mp_heap_source_at(source, line, &length) != NULL;
}

/* Which lines of the source are shown. NULL when there is no memory. */
static bool *choose(const struct drawing *drawing, bool whole)
{
    const struct mp_heap_listing *listing = drawing->listing;
    int64_t count = (int64_t)drawing->source->count, last = 0;
    bool *shown = calloc((size_t)count + 1, sizeof *shown);
    for (int64_t line = 1; shown && whole && line <= count; line++)
        shown[line] = has(drawing->source, line);
    for (size_t i = 0; shown && i < listing->count; i++)
        if (listing->lines[i].self.line > 0 && listing->lines[i].self.line <= count)
            shown[listing->lines[i].self.line] = true;
    for (size_t i = 0; shown && i < listing->function_count; i++) {
        const struct mp_heap_function *function = &listing->functions[i];
        if (is_module(drawing->view, function->code) ||
            is_class(drawing->source, function->first))
            continue;
        int64_t from = function->first > last ? function->first : last + 1;
        for (int64_t line = from; line <= function->last && line <= count; line++)
            shown[last = line] |= has(drawing->source, line);
    }
    return shown;
}

/* The figures of a line, when it has any; lines must be asked for in order. */
static const struct mp_heap_listed *figures_at(struct drawing *drawing, int64_t number)
{
    const struct mp_heap_listing *listing = drawing->listing;
    while (drawing->at < listing->count && listing->lines[drawing->at].self.line < number)
        drawing->at++;
    return drawing->at < listing->count && listing->lines[drawing->at].self.line == number
               ? &listing->lines[drawing->at]
               : NULL;
}

static void put_source_rows(struct drawing *drawing, bool whole)
{
    bool *shown = choose(drawing, whole);
    bool gap = false, any = false;
    for (size_t number = 1; shown && number <= drawing->source->count; number++) {
        if (!shown[number]) {
            gap = true;
            continue;
        }
        if (gap && any)
            fprintf(drawing->out, "%*s\n", drawing->number_width, "...");
        gap = false;
        any = true;
        put_row(drawing, (int64_t)number, figures_at(drawing, (int64_t)number));
    }
    free(shown);
}

/* Lines that the source does not have, or all when it is not shown. */
static void put_other_rows(const struct drawing *drawing)
{
    const struct mp_heap_listing *listing = drawing->listing;
    for (size_t i = 0; i < listing->count; i++)
        if (listing->lines[i].self.line < 1 ||
            (size_t)listing->lines[i].self.line > drawing->source->count)
            put_row(drawing, listing->lines[i].self.line, &listing->lines[i]);
}

/* What the source of lines with figures needs, of what may be had without leaving out what is held. */
static int text_wanted(const struct drawing *drawing)
{
    size_t longest = GOOD_TEXT, length;
    for (size_t i = 0; i < drawing->listing->count && drawing->style->width >= WIDE; i++)
        if (mp_heap_source_at(drawing->source, drawing->listing->lines[i].self.line,
                              &length) &&
            length > longest)
            longest = length;
    return longest < LONG_TEXT ? (int)longest : LONG_TEXT;
}

static struct columns columns_of_lines(const struct drawing *drawing)
{
    const struct mp_heap_listing *listing = drawing->listing;
    struct columns columns = {.shown = COLUMNS, .errors = SIZES};
    int beside = drawing->number_width + 2 + text_wanted(drawing);
    do {
        columns = begin(drawing->view, columns.shown, columns.errors);
        widen(&columns, &listing->whole.self,
              mp_heap_sum_shown(drawing->view, &listing->whole.cumulative));
        for (size_t i = 0; i < listing->count; i++)
            widen(&columns, &listing->lines[i].self,
                  mp_heap_sum_shown(drawing->view, &listing->lines[i].cumulative));
    } while (are_wide(&columns, drawing->style, beside) && narrow(&columns));
    return columns;
}

/* Where the text below is not that of the file as it is now. */
static void put_source_note(FILE *out, const struct mp_heap_source_text *source)
{
    if (source->recorded && source->why)
        fprintf(out, "source as it was recorded, where it mattered: %s\n", source->why);
    else if (source->recorded && source->changed)
        fputs("changed since: source as it was recorded, where it mattered\n", out);
    else if (source->changed)
        fputs("warning: this file is newer than the capture: lines may have moved\n", out);
    else if (source->why)
        fprintf(out, "its source is not shown: %s\n", source->why);
}

static void put_head(struct drawing *drawing)
{
    FILE *out = drawing->out;
    const struct mp_heap_listing *listing = drawing->listing;
    char number[MP_HEAP_FIGURE];
    int64_t last = listing->count ? listing->lines[listing->count - 1].self.line : 0;
    if ((int64_t)drawing->source->count > last)
        last = (int64_t)drawing->source->count;
    drawing->number_width = snprintf(number, sizeof number, "%" PRId64, last);
    if (drawing->number_width < 4)
        drawing->number_width = 4;
    drawing->columns = columns_of_lines(drawing);
    fputc('\n', out);
    mp_heap_put_file(out, drawing->style, drawing->view, listing->file, 0);
    fputc('\n', out);
    put_source_note(out, drawing->source);
    put_range(out, drawing->view);
    fprintf(out, "%*s  ", drawing->number_width, "line");
    put_titles(out, &drawing->columns);
    fputs("source\n", out);
}

void mp_heap_listing_text(FILE *out, const struct mp_heap_view *view,
                          const struct mp_heap_listing *listing,
                          const struct mp_heap_source_text *source,
                          const struct mp_heap_style *style, bool whole)
{
    struct drawing drawing = {
        .out = out, .view = view, .listing = listing, .source = source, .style = style};
    put_head(&drawing);
    put_source_rows(&drawing, whole);
    put_other_rows(&drawing);
    fprintf(out, "%*s  ", drawing.number_width, "all");
    put_figures(out, &drawing.columns, &listing->whole.self,
                mp_heap_sum_shown(view, &listing->whole.cumulative));
    fputs("of this file\n", out);
    mp_heap_put_marks(out, listing->whole.self.marks);
}
