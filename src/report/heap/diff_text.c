/* A difference as text: what grew first, then what shrank, the sums last. */
#include <stdlib.h>
#include <string.h>

#include "aggregate/heap/apart.h"
#include "aggregate/heap/series.h"
#include "base/saturate.h"
#include "report/heap/diff.h"
#include "report/heap/range.h"

enum {
    FIGURES = 3,
    WIDE = 11,
    WIDE_ESTIMATE = 18,
    GAP = 2,
    USUAL_ROWS = 20,
    LEAST_PLACE = 20,
    LEAST_APART = 200, /* weights: a fifth of the heap; where time wavers less is chance */
    MARK = 7,
    INDENT = 2
};
static const double LEAST_SHARE = 0.005; /* of all that grew, or shrank */

static bool is_sampled(const struct mp_heap_diff_view *view)
{
    return view->diff->sides[0].view->header->sample ||
           view->diff->sides[1].view->header->sample;
}

static int width_of(const struct mp_heap_diff_view *view)
{
    return is_sampled(view) ? WIDE_ESTIMATE : WIDE;
}

static int room_for_place(const struct mp_heap_diff_view *view)
{
    int screen = view->sides[MP_HEAP_AFTER].style.width;
    int room = screen - FIGURES * (width_of(view) + GAP);
    return !screen ? 0 : room > LEAST_PLACE ? room : LEAST_PLACE;
}

static const char *growth_of(const struct mp_heap_difference *change,
                             char room[MP_HEAP_FIGURE])
{
    char error[MP_HEAP_FIGURE];
    mp_heap_growth(change->growth, room);
    size_t length = strlen(room);
    if (change->error)
        snprintf(room + length, MP_HEAP_FIGURE - length, "+-%.10s",
                 mp_heap_short_size(change->error, error));
    return room;
}

static void put_figures(FILE *out, const struct mp_heap_diff_view *view,
                        const struct mp_heap_difference *change)
{
    char text[MP_HEAP_FIGURE];
    int width = width_of(view);
    fprintf(out, "%*s", width, growth_of(change, text));
    for (int side = 0; side < MP_HEAP_SIDES; side++)
        fprintf(out, "%*s%*s", GAP, "", width,
                mp_heap_tight_estimate(view->diff->sides[side].view->header,
                                       change->amount[side].bytes, text));
    fprintf(out, "%*s", GAP, "");
}

static void put_source(FILE *out, const struct mp_heap_diff_view *view,
                       const struct mp_heap_difference *change)
{
    int side = mp_heap_difference_side(change), room = room_for_place(view);
    const struct mp_heap_side *its = &view->diff->sides[side];
    size_t length;
    if (change->kind != MP_HEAP_ROW_PLACE || view->diff->by > MP_HEAP_DIFF_YOUR_LINE ||
        !its->text)
        return;
    const char *text =
        its->text(its->context, its->view, its->view->codes[change->code[side]].file,
                  change->line[side], &length);
    for (; text && length && strchr(" \t\f", *text); text++)
        length--;
    if (!text || !length)
        return;
    fprintf(out, "%*s", FIGURES * (width_of(view) + GAP) + INDENT, "");
    mp_heap_put_source(out, &view->sides[side].style, text, length,
                       room ? room - INDENT : 0);
    fputc('\n', out);
}

static bool is_users(const struct mp_heap_diff_view *view,
                     const struct mp_heap_difference *change)
{
    int side = mp_heap_difference_side(change);
    return change->kind == MP_HEAP_ROW_PLACE &&
           mp_heap_own_is_users(view->diff->sides[side].own, change->code[side]);
}

static void put_change(FILE *out, const struct mp_heap_diff_view *view,
                       const struct mp_heap_difference *change)
{
    const char *mark = mp_heap_difference_mark(change);
    const struct mp_heap_style *style = &view->sides[MP_HEAP_AFTER].style;
    int room = room_for_place(view);
    bool users = is_users(view, change);
    put_figures(out, view, change);
    mp_heap_begin_place(out, style, users);
    mp_heap_difference_put(out, view, change, room && *mark ? room - MARK : room);
    mp_heap_end_place(out, style, users);
    if (*mark)
        fprintf(out, " (%s)", mark);
    fputc('\n', out);
    put_source(out, view, change);
}

static void put_titles(FILE *out, const struct mp_heap_diff_view *view, const char *what)
{
    int width = width_of(view);
    fprintf(out, "%*s%*s%*s%*s%*s%*s%s\n", width, what, GAP, "", width, "before", GAP, "",
            width, "after", GAP, "", mp_heap_diff_names[view->diff->by]);
}

static void put_more(FILE *out, const struct mp_heap_diff_view *view, size_t first,
                     size_t end)
{
    char number[MP_HEAP_FIGURE];
    struct mp_heap_difference rest = mp_heap_diff_sum(view->diff, first, end);
    if (first == end)
        return;
    put_figures(out, view, &rest);
    fprintf(out, "(%s more)\n", mp_heap_count(end - first, number));
}

/* Those of weight that have half a percent of what grew, or shrank, in all; -n shows others too. */
static size_t count_shown(const struct mp_heap_diff_view *view, size_t first, size_t end)
{
    double all = 0;
    size_t shown = first, most = view->most ? view->most : USUAL_ROWS;
    for (size_t i = first; i < end; i++)
        all += (double)view->diff->changes[i].growth;
    while (
        shown < end && shown - first < most &&
        (view->most || (mp_heap_diff_has_weight(view->diff, &view->diff->changes[shown]) &&
                        (double)view->diff->changes[shown].growth / all >= LEAST_SHARE)))
        shown++;
    return shown;
}

/* Returns whether there was any. */
static bool put_table(FILE *out, const struct mp_heap_diff_view *view, const char *what,
                      size_t first, size_t end)
{
    size_t shown = count_shown(view, first, end);
    if (shown == first)
        return false;
    put_titles(out, view, what);
    for (size_t i = first; i < shown; i++)
        put_change(out, view, &view->diff->changes[i]);
    put_more(out, view, shown, end);
    fputc('\n', out);
    return true;
}

static bool is_equal(const struct mp_heap_diff *diff)
{
    for (size_t i = 0; i < diff->count; i++) {
        const struct mp_heap_amount *its = diff->changes[i].amount;
        if (its[0].bytes != its[1].bytes || its[0].blocks != its[1].blocks)
            return false;
    }
    return true;
}

/* Instead of tables. */
static void put_same(FILE *out, const struct mp_heap_diff_view *view)
{
    const struct mp_heap_diff *diff = view->diff;
    char within[MP_HEAP_FIGURE], weight[MP_HEAP_FIGURE];
    const char *row = mp_heap_diff_names[diff->by];
    mp_heap_growth(diff->whole.growth, within);
    mp_heap_size(mp_heap_diff_weight(diff), weight);
    if (is_sampled(view))
        fprintf(out, "the same, as far as samples tell: no %s differs by more\n\n", row);
    else
        fprintf(out, "the same within %s: no %s differs by %s or more\n\n",
                within + (diff->whole.growth != 0), row, weight);
}

/* Of two that are no moments: of moments the RSS is that of others. */
static bool is_of_peaks(const struct mp_heap_diff *diff)
{
    return diff->measure == MP_HEAP_MEASURE_PEAK && !diff->sides[0].view->range &&
           !diff->sides[1].view->range;
}

/* Figures that are of no line, below the sums. */
static void put_sizes(FILE *out, const struct mp_heap_diff_view *view,
                      const int64_t sizes[MP_HEAP_SIDES])
{
    char text[MP_HEAP_FIGURE];
    int width = width_of(view);
    fprintf(out, "%*s", width, mp_heap_growth(mp_difference(sizes[1], sizes[0]), text));
    for (int side = 0; side < MP_HEAP_SIDES; side++)
        fprintf(out, "%*s%*s", GAP, "", width, mp_heap_size(sizes[side], text));
    fprintf(out, "%*s", GAP, "");
}

static void put_rss(FILE *out, const struct mp_heap_diff_view *view)
{
    int64_t most[MP_HEAP_SIDES];
    for (int side = 0; side < MP_HEAP_SIDES; side++) {
        struct mp_heap_marks marks = mp_heap_marks(view->diff->sides[side].view);
        if (!marks.most)
            return;
        most[side] = marks.most->rss;
    }
    put_sizes(out, view, most);
    fputs("most RSS\n", out);
}

/* Where the peaks say less than what was before and after them. */
static void put_apart(FILE *out, const struct mp_heap_diff_view *view)
{
    const struct mp_heap_diff *diff = view->diff;
    struct mp_heap_apart apart;
    int64_t least = mp_heap_diff_weight(diff) * LEAST_APART;
    int64_t error = mp_sum(diff->whole.error, diff->whole.error);
    if (!mp_heap_apart_find(&apart, diff->sides[0].view, diff->sides[1].view,
                            least > error ? least : error))
        return;
    put_sizes(out, view, apart.heap);
    fprintf(out, "most different heap, %.3f s and %.3f s after the start\n",
            (double)apart.time[0] / 1e9, (double)apart.time[1] / 1e9);
}

static void put_counts(FILE *out, const struct mp_heap_diff *diff)
{
    char grew[MP_HEAP_FIGURE], shrank[MP_HEAP_FIGURE], rest[MP_HEAP_FIGURE];
    fprintf(out, "all: %s grew, %s shrank, %s did not change\n",
            mp_heap_count(diff->grew, grew), mp_heap_count(diff->shrank, shrank),
            mp_heap_count(diff->count - diff->grew - diff->shrank, rest));
}

/* "run.mprof", "run.mprof at the mark warm (0.324 s)" */
static void put_side(FILE *out, const struct mp_heap_diff_view *view, int side)
{
    const struct mp_heap_view *its = view->diff->sides[side].view;
    char words[MP_HEAP_RANGE_WORDS];
    mp_heap_put_text(out, &view->sides[side].style, view->sides[side].name,
                     strlen(view->sides[side].name), 0, MP_HEAP_CUT_START);
    if (its->range)
        fprintf(out, " %s", mp_heap_range_words(its, words));
}

void mp_heap_diff_text(FILE *out, const struct mp_heap_diff_view *view)
{
    const struct mp_heap_diff *diff = view->diff;
    fputs("from ", out);
    put_side(out, view, MP_HEAP_BEFORE);
    fputs(" to ", out);
    put_side(out, view, MP_HEAP_AFTER);
    fprintf(out, "%s\n", mp_heap_diff_when(view));
    mp_heap_diff_unlike(out, view);
    if (is_equal(diff)) {
        fputs("no difference\n", out);
        return;
    }
    if (is_sampled(view))
        fputs("+- is a standard error; growth of less than two is not called growth\n",
              out);
    fputc('\n', out);
    size_t grew = diff->grew, shrank = grew + diff->shrank;
    bool any = put_table(out, view, "grew", 0, grew);
    any |= put_table(out, view, "shrank", grew, shrank);
    if (!any)
        put_same(out, view);
    put_titles(out, view, "in all");
    put_figures(out, view, &diff->whole);
    put_counts(out, diff);
    if (is_of_peaks(diff)) {
        put_rss(out, view);
        put_apart(out, view);
    }
}
