/* What keeps growing, as text: what leaks first, then what grew and stayed, then imports. */
#include <math.h>
#include <string.h>

#include "base/saturate.h"
#include "report/heap/diff.h"
#include "report/heap/leaks.h"
#include "report/heap/summary.h"
#include "report/heap/types_beneath.h"

enum {
    USUAL_ROWS = 10,
    GROWTH = 11,
    RATE = 12,
    SHARE = 5,
    GAP = 2,
    LEAST_PLACE = 20,
    STEP = 2
};
/* One part in so many of the heap, and bytes: caches of the interpreter fill up by less. */
static const int64_t WEIGHT = 1000, LEAST_WEIGHT = 64 << 10;

static const int64_t COARSE = 10; /* one part in so many, too */

static int64_t weight_of(const struct mp_heap_leaks *leaks)
{
    int64_t live = leaks->live_at_last > leaks->live_at_first ? leaks->live_at_last
                                                              : leaks->live_at_first;
    return live / WEIGHT > LEAST_WEIGHT ? live / WEIGHT : LEAST_WEIGHT;
}

int64_t mp_heap_leaks_growth(const struct mp_heap_leaks *leaks)
{
    int64_t growth = 0;
    for (size_t i = 0; i < leaks->counts[MP_HEAP_TREND_GROWS]; i++)
        growth = mp_sum(growth, leaks->leaks[i].trend.growth);
    return growth;
}

enum mp_heap_verdict mp_heap_verdict_of(const struct mp_heap_leaks *leaks)
{
    if (leaks->points < MP_HEAP_TREND_LEAST)
        return MP_HEAP_TOO_SHORT;
    bool heavy = leaks->counts[MP_HEAP_TREND_GROWS] &&
                 leaks->leaks[0].trend.growth >= weight_of(leaks);
    if (heavy)
        return MP_HEAP_LEAKS;
    return leaks->least > leaks->live_at_last / COARSE ? MP_HEAP_TOO_COARSE
                                                       : MP_HEAP_NO_LEAK;
}

bool mp_heap_leaks_cannot_tell(const struct mp_heap_leaks *leaks)
{
    return mp_heap_verdict_of(leaks) >= MP_HEAP_TOO_SHORT;
}

bool mp_heap_leaks_are_over(const struct mp_heap_leaks_view *view)
{
    return mp_heap_limit_is_over(&view->limit, mp_heap_leaks_growth(view->leaks),
                                 view->leaks->live_at_first);
}

static double seconds(int64_t time)
{
    return (double)time / 1e9;
}

static int room_for_place(const struct mp_heap_leaks_view *view)
{
    int room = view->style.width - (GROWTH + RATE + 2 * SHARE + 4 * GAP);
    return !view->style.width ? 0 : room > LEAST_PLACE ? room : LEAST_PLACE;
}

static int64_t whole(double bytes)
{
    return fabs(bytes) < 0x1p62 ? (int64_t)bytes : (int64_t)1 << 62;
}

static int percent(double part, double of)
{
    double share = of > 0 ? 100 * part / of : 0;
    return share < 100 ? (int)(share + 0.5) : 100;
}

static void put_source(FILE *out, const struct mp_heap_leaks_view *view,
                       const struct mp_heap_leak *leak)
{
    size_t length;
    int room = room_for_place(view);
    const char *text =
        view->source ? view->source(view->context, view->view,
                                    view->view->codes[leak->code].file, leak->line, &length)
                     : NULL;
    for (; text && length && strchr(" \t\f", *text); text++)
        length--;
    if (!text || !length)
        return;
    fprintf(out, "%*s", GROWTH + RATE + 2 * SHARE + 4 * GAP + STEP, "");
    mp_heap_put_source(out, &view->style, text, length, room ? room - STEP : 0);
    fputc('\n', out);
}

/* The line of a library that was allocating, where it is not the user's own. */
static void put_inner(FILE *out, const struct mp_heap_leaks_view *view,
                      const struct mp_heap_leak *leak)
{
    static const char in[] = "in ";
    uint32_t code = view->view->nodes[leak->inner].code;
    int line = view->lines[leak->inner], room = room_for_place(view);
    if (code == leak->code && line == leak->line)
        return;
    fprintf(out, "%*s%s", GROWTH + RATE + 2 * SHARE + 4 * GAP + STEP, "", in);
    mp_heap_put_place(out, &view->style, view->view, code, line,
                      room ? room - STEP - (int)sizeof in + 1 : 0);
    fputc('\n', out);
}

static void put_leak(FILE *out, const struct mp_heap_leaks_view *view,
                     const struct mp_heap_leak *leak)
{
    char growth[MP_HEAP_FIGURE], rate[MP_HEAP_FIGURE], older[MP_HEAP_FIGURE];
    const struct mp_heap_trend *trend = &leak->trend;
    mp_heap_growth(trend->growth, growth);
    mp_heap_growth(whole(trend->slope), rate);
    fprintf(out, "%*s%*s%*s%*s%*d%%%*s%*d%%%*s", GROWTH, growth, GAP, "", RATE,
            trend->kind == MP_HEAP_TREND_GROWS ? rate : "", GAP, "", SHARE - 1,
            percent((double)trend->rises, (double)trend->steps), GAP, "", SHARE - 1,
            percent((double)leak->live, (double)leak->total), GAP, "");
    mp_heap_begin_place(out, &view->style, leak->is_users);
    mp_heap_put_place(out, &view->style, view->view, leak->code, leak->line,
                      room_for_place(view));
    mp_heap_end_place(out, &view->style, leak->is_users);
    fputc('\n', out);
    put_source(out, view, leak);
    put_inner(out, view, leak);
    int indent = GROWTH + RATE + 2 * SHARE + 4 * GAP + STEP, room = room_for_place(view);
    if (view->types)
        mp_heap_put_types_beneath(out, view->view, view->types,
                                  (uint32_t)(leak - view->leaks->leaks) + 1, &view->style,
                                  indent, room ? room - STEP : 0);
    if (leak->older > 0)
        fprintf(out, "%*s%s or more of it older than %.3f s\n", indent, "",
                mp_heap_size(leak->older, older), seconds(view->leaks->from));
    if (leak->freed_at_end)
        fprintf(out, "%*sgiven back when the program ended\n", indent, "");
}

static void put_titles(FILE *out, const char *what)
{
    fprintf(out, "\n%s\n%*s%*s%*s%*s%*s%*s%*s%*swhere\n", what, GROWTH, "growth", GAP, "",
            RATE, "an hour", GAP, "", SHARE, "rose", GAP, "", SHARE, "kept", GAP, "");
}

/* Those of one kind: of weight, at most so many; the others are one row. */
static void put_kind(FILE *out, const struct mp_heap_leaks_view *view, const char *what,
                     size_t first, size_t end)
{
    const struct mp_heap_leaks *leaks = view->leaks;
    size_t most = view->most ? view->most : USUAL_ROWS, shown = first;
    char growth[MP_HEAP_FIGURE], number[MP_HEAP_FIGURE];
    int64_t rest = 0;
    while (shown < end && shown - first < most &&
           (view->most || leaks->leaks[shown].trend.growth >= weight_of(leaks)))
        shown++;
    if (first == end || (shown == first && !view->most))
        return;
    put_titles(out, what);
    for (size_t i = first; i < shown; i++)
        put_leak(out, view, &leaks->leaks[i]);
    for (size_t i = shown; i < end; i++)
        rest = mp_sum(rest, leaks->leaks[i].trend.growth);
    if (shown < end)
        fprintf(out, "%*s%*s(%s more)\n", GROWTH, mp_heap_growth(rest, growth),
                RATE + 2 * SHARE + 4 * GAP, "", mp_heap_count(end - shown, number));
}

/* By type only what is there at the end is known. */
static void put_types(FILE *out, const struct mp_heap_leaks_view *view)
{
    size_t most = view->most ? view->most : USUAL_ROWS, count;
    const uint32_t *its = mp_heap_type_rows_of(view->growing, 1, &count);
    char size[MP_HEAP_FIGURE], number[MP_HEAP_FIGURE];
    if (!count)
        return;
    fprintf(
        out,
        "\nWhat the lines that keep growing hold at the end, by type\n%*s%*s%*s%*stype\n",
        GROWTH, "live", GAP, "", RATE, "objects", GAP, "");
    for (size_t i = 0; i < count && i < most; i++) {
        const struct mp_heap_type_row *row = &view->growing->rows[its[i]];
        fprintf(
            out, "%*s%*s%*s%*s", GROWTH,
            mp_heap_tight_estimate(view->view->header, mp_heap_type_row_size(row), size),
            GAP, "", RATE, mp_heap_signed_count(row->blocks, number), GAP, "");
        mp_heap_put_text(out, &view->style, view->growing->typing.text + row->name.offset,
                         row->name.length, room_for_place(view), MP_HEAP_CUT_START);
        fputc('\n', out);
    }
    if (count > most)
        fprintf(out, "%*s(%s more)\n", GROWTH + RATE + 2 * GAP, "",
                mp_heap_count(count - most, number));
}

/* Growth by less is of no weight, or may be chance. */
static int64_t least_of(const struct mp_heap_leaks *leaks)
{
    int64_t weight = weight_of(leaks);
    return leaks->least > weight ? leaks->least : weight;
}

static void put_no_leak(FILE *out, const struct mp_heap_leaks_view *view)
{
    char size[MP_HEAP_FIGURE];
    const struct mp_heap_leak *most = view->leaks->leaks;
    fprintf(out, "\nno leak seen: nothing keeps growing by %s or more\n",
            mp_heap_size(least_of(view->leaks), size));
    if (!view->leaks->counts[MP_HEAP_TREND_GROWS])
        return;
    fprintf(out, "most that does: %s, ", mp_heap_size(most->trend.growth, size));
    mp_heap_put_place(out, &view->style, view->view, most->code, most->line, 0);
    fputc('\n', out);
}

void mp_heap_leaks_put_why(FILE *out, const struct mp_heap_leaks *leaks)
{
    char least[MP_HEAP_FIGURE];
    enum mp_heap_verdict verdict = mp_heap_verdict_of(leaks);
    if (leaks->none_taken)
        fputs("no moments: cannot tell what keeps growing; it was recorded with "
              "MPROF_MOMENTS=0, by another version, or inside another recording, whose "
              "capture has them",
              out);
    else if (verdict == MP_HEAP_TOO_SHORT)
        fprintf(
            out,
            "too short: cannot tell what keeps growing from %zu moment%s after %.3f s, it "
            "takes %d",
            leaks->points - 1, leaks->points == 2 ? "" : "s", seconds(leaks->from),
            MP_HEAP_TREND_LEAST - 1);
    if (verdict == MP_HEAP_TOO_COARSE)
        fprintf(
            out,
            "too few samples: cannot tell what keeps growing, less than %s may be chance; "
            "record longer, or with a smaller --sample",
            mp_heap_size(leaks->least, least));
}

static void put_verdict(FILE *out, const struct mp_heap_leaks_view *view)
{
    const struct mp_heap_leaks *leaks = view->leaks;
    enum mp_heap_verdict verdict = mp_heap_verdict_of(leaks);
    if (verdict == MP_HEAP_NO_LEAK)
        put_no_leak(out, view);
    if (mp_heap_leaks_cannot_tell(leaks)) {
        fputc('\n', out);
        mp_heap_leaks_put_why(out, leaks);
        fputc('\n', out);
    }
}

void mp_heap_leaks_text(FILE *out, const struct mp_heap_leaks_view *view)
{
    const struct mp_heap_leaks *leaks = view->leaks;
    char first[MP_HEAP_FIGURE], last[MP_HEAP_FIGURE];
    size_t grows = leaks->counts[MP_HEAP_TREND_GROWS];
    size_t stayed = grows + leaks->counts[MP_HEAP_TREND_STAYED];
    mp_heap_put_title(out, view->view, view->name, view->incomplete, &view->style);
    fprintf(out, "from %.3f s to %.3f s: %s, then %s\n", seconds(leaks->from),
            seconds(leaks->to), mp_heap_size(leaks->live_at_first, first),
            mp_heap_size(leaks->live_at_last, last));
    put_verdict(out, view);
    if (mp_heap_verdict_of(leaks) != MP_HEAP_TOO_SHORT)
        put_kind(out, view, "Keeps growing", 0, grows);
    if (view->by_type)
        put_types(out, view);
    put_kind(out, view, "Grew, and stayed", grows, stayed);
    put_kind(out, view, "Imports", stayed, leaks->count);
    if (leaks->rest && leaks->points > 1)
        fprintf(out, "\n%*s  elsewhere: up and down, and stacks too small to be followed\n",
                GROWTH, mp_heap_growth(leaks->rest, first));
}
