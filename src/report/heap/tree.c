#include "report/heap/tree.h"

#include <inttypes.h>
#include <string.h>

#include "base/escape.h"
#include "base/saturate.h"
#include "report/heap/export_parts.h"
#include "report/heap/range.h"
#include "report/heap/summary.h"

enum { LEAST_PLACE = 36, STEP = 2, FIGURES = 11 /* columns beside the sizes */ };

static struct mp_heap_amount sum_of(const struct mp_heap_tree *tree, uint32_t frame)
{
    return mp_heap_amount_of(&tree->calls->flame->frames[frame].sum, tree->measure);
}

/* Callees come largest first: from the first small one on they are one. */
struct callees {
    size_t shown, smaller;
    uint32_t first_smaller; /* 0: none */
    struct mp_heap_amount rest;
};

static struct callees find_callees(const struct mp_heap_tree *tree, uint32_t frame)
{
    const struct mp_flame_calls *calls = tree->calls;
    double least = tree->least * (double)tree->whole;
    struct callees found = {0};
    for (uint32_t at = calls->first_callee[frame]; at; at = calls->sibling[at]) {
        struct mp_heap_amount sum = sum_of(tree, at);
        if (sum.bytes && (double)mp_heap_magnitude(sum.bytes) >= least) {
            found.shown++;
            continue;
        }
        found.first_smaller = found.first_smaller ? found.first_smaller : at;
        found.smaller += sum.bytes != 0;
        found.rest.bytes = mp_sum(found.rest.bytes, sum.bytes);
        found.rest.blocks = mp_sum(found.rest.blocks, sum.blocks);
    }
    return found;
}

/* Of growth, what grew and what shrank, not what is left of both. */
static struct mp_heap_tree measured(const struct mp_heap_tree *tree)
{
    struct mp_heap_tree its = *tree;
    its.whole = sum_of(tree, 0).bytes;
    if (tree->measure != MP_HEAP_MEASURE_GROWTH)
        return its;
    its.whole = 0;
    for (size_t i = 0; i < tree->calls->flame->count; i++) {
        int64_t own = tree->calls->own[i][MP_HEAP_MEASURE_GROWTH].bytes;
        its.whole = mp_sum(its.whole, own < 0 ? mp_difference(0, own) : own);
    }
    return its;
}

static int width_of(const struct mp_heap_header *header)
{
    return header->sample ? 13 : 11;
}

static void put_figures(FILE *out, const struct mp_heap_tree *tree, int64_t bytes,
                        int64_t own)
{
    const struct mp_heap_header *header = tree->view->header;
    char size[MP_HEAP_FIGURE], its[MP_HEAP_FIGURE];
    int64_t all = tree->whole;
    fprintf(out, "%*s %6.1f%% %*s  ", width_of(header),
            mp_heap_tight_estimate(header, bytes, size),
            all > 0 ? 100 * (double)bytes / (double)all : 0.0, width_of(header),
            own ? mp_heap_tight_estimate(header, own, its) : "");
}

/* What is left of the terminal behind the figures. */
static int room_of(const struct mp_heap_tree *tree)
{
    return tree->style->width - 2 * width_of(tree->view->header) - FIGURES;
}

/* How far in a frame stands: not so far that there is no room for its name. */
static int shown_indent(const struct mp_heap_tree *tree, int indent)
{
    int most =
        room_of(tree) > LEAST_PLACE ? (room_of(tree) - LEAST_PLACE) / STEP * STEP : STEP;
    return tree->style->width && indent > most ? most : indent;
}

static int columns_at(const struct mp_heap_tree *tree, int indent)
{
    int columns = room_of(tree) - shown_indent(tree, indent);
    return !tree->style->width ? 0 : columns < LEAST_PLACE ? LEAST_PLACE : columns;
}

static void put_call(FILE *out, const struct mp_heap_tree *tree,
                     const struct mp_heap_spot *spot, int columns)
{
    bool users = mp_heap_own_is_users(tree->own, spot->code);
    mp_heap_begin_place(out, tree->style, users);
    mp_heap_put_place(out, tree->style, tree->view, spot->code, spot->line, columns);
    mp_heap_end_place(out, tree->style, users);
}

static void put_name(FILE *out, const struct mp_heap_tree *tree, uint32_t frame, int indent)
{
    const struct mp_heap_spot *spot = &tree->calls->spots[tree->calls->numbers[frame]];
    if (!frame)
        fputs("all", out);
    else if (spot->kind == MP_FLAME_FRAME)
        put_call(out, tree, spot, columns_at(tree, indent));
    else
        fputs(mp_heap_spot_name(tree->view, spot).text, out);
    fputc('\n', out);
}

/* One of several callees begins with a dash; a callee alone stands below its caller. */
static void put_mark(FILE *out, const struct mp_heap_tree *tree, int indent, bool several)
{
    int shown = shown_indent(tree, indent);
    fprintf(out, "%*s%s", several ? shown - STEP : shown, "", several ? "- " : "");
}

static void put_frame(FILE *out, const struct mp_heap_tree *tree, uint32_t frame,
                      int indent, bool several)
{
    const struct mp_flame_calls *calls = tree->calls;
    struct callees callees = find_callees(tree, frame);
    bool many = callees.shown + (callees.smaller > 0) > 1;
    char count[MP_HEAP_FIGURE];
    put_figures(out, tree, sum_of(tree, frame).bytes,
                calls->own[frame][tree->measure].bytes);
    put_mark(out, tree, indent, several);
    put_name(out, tree, frame, indent);
    indent += many ? STEP : 0;
    for (uint32_t at = calls->first_callee[frame]; at != callees.first_smaller;
         at = calls->sibling[at])
        put_frame(out, tree, at, indent, many);
    if (!callees.smaller)
        return;
    put_figures(out, tree, callees.rest.bytes, 0);
    put_mark(out, tree, indent, many);
    fprintf(out, "(%s smaller)\n", mp_heap_count(callees.smaller, count));
}

void mp_heap_tree_text(FILE *out, const struct mp_heap_tree *tree)
{
    static const char *const titles[] = {"", "live at the end",
                                         "allocated in all, what was freed included", ""};
    char words[MP_HEAP_RANGE_WORDS];
    struct mp_heap_tree its = measured(tree);
    bool says_when = !*titles[tree->measure];
    int width = width_of(tree->view->header);
    mp_heap_put_missing(out, tree->view->header, tree->incomplete);
    fprintf(out, "%*s %7s %*s  who called what, %s\n", width, "total", "share", width,
            "own",
            says_when ? mp_heap_range_title(
                            tree->view,
                            tree->measure == MP_HEAP_MEASURE_GROWTH ? "growth " : "", words)
                      : titles[tree->measure]);
    put_frame(out, &its, 0, 0, false);
}

struct numbering {
    const struct mp_heap_tree *tree;
    size_t count;
};

static void put_amount(FILE *out, const struct mp_heap_amount *amount)
{
    fprintf(out, "\"bytes\": %" PRId64 ", \"blocks\": %" PRId64, amount->bytes,
            amount->blocks);
}

static size_t begin_frame(FILE *out, struct numbering *numbering, size_t parent,
                          const struct mp_heap_amount *sum)
{
    fprintf(out,
            numbering->count ? ",\n    {\"parent\": %zu, " : "\n    {\"parent\": null, ",
            parent);
    put_amount(out, sum);
    return numbering->count++;
}

static void put_spot(FILE *out, const struct mp_heap_tree *tree,
                     const struct mp_heap_spot *spot)
{
    struct mp_heap_words name = mp_heap_spot_name(tree->view, spot);
    struct mp_heap_words file = mp_heap_spot_file(tree->view, spot);
    fputs(", \"function\": ", out);
    mp_escape_json(out, name.text, name.length);
    fputs(", \"file\": ", out);
    mp_escape_json(out, file.text, file.length);
    fprintf(out, ", \"line\": %d", file.length ? spot->line : 0);
}

static void put_json(FILE *out, struct numbering *numbering, uint32_t frame, size_t parent)
{
    static const struct mp_heap_spot whole = {0};
    const struct mp_heap_tree *tree = numbering->tree;
    const struct mp_flame_calls *calls = tree->calls;
    struct callees callees = find_callees(tree, frame);
    struct mp_heap_amount sum = sum_of(tree, frame);
    size_t number = begin_frame(out, numbering, parent, &sum);
    fputs(", \"own\": {", out);
    put_amount(out, &calls->own[frame][tree->measure]);
    fputs("}", out);
    put_spot(out, tree, frame ? &calls->spots[calls->numbers[frame]] : &whole);
    fputs(", \"smaller\": 0}", out);
    for (uint32_t at = calls->first_callee[frame]; at != callees.first_smaller;
         at = calls->sibling[at])
        put_json(out, numbering, at, number);
    if (!callees.smaller)
        return;
    begin_frame(out, numbering, number, &callees.rest);
    fprintf(out,
            ", \"own\": {\"bytes\": 0, \"blocks\": 0}, \"function\": \"\", \"file\": \"\", "
            "\"line\": 0, \"smaller\": %zu}",
            callees.smaller);
}

void mp_heap_tree_json(FILE *out, const struct mp_heap_tree *tree,
                       const struct mp_heap_json_options *options)
{
    struct mp_heap_tree its = measured(tree);
    struct numbering numbering = {&its, 0};
    mp_heap_json_begin(out, "heap-tree/1", tree->view->header, options);
    fprintf(out, "  \"measure\": \"%s\", \"least\": %g,\n  \"frames\": [",
            mp_heap_measure_names[tree->measure], tree->least);
    put_json(out, &numbering, 0, 0);
    fputs("]\n}\n", out);
}
