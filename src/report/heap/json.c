#include "report/heap/json.h"

#include <inttypes.h>

#include "aggregate/heap/command.h"
#include "aggregate/heap/path.h"
#include "aggregate/heap/series.h"
#include "base/escape.h"
#include "report/heap/balance.h"
#include "report/heap/marks.h"
#include "report/heap/range.h"
#include "report/heap/types_beneath.h"

enum { CALLERS = 16, MOST_NAMES = 1 << 14 /* bytes of theirs */ };

static void put_string(FILE *out, const char *key, const char *text)
{
    fprintf(out, "\"%s\": ", key);
    mp_escape_json_or_null(out, text);
}

static void put_text(FILE *out, const char *key, const struct mp_heap_view *view,
                     struct mp_heap_text text)
{
    fprintf(out, "\"%s\": ", key);
    mp_escape_json(out, view->text + text.offset, text.length);
}

void mp_heap_json_begin(FILE *out, const char *schema, const struct mp_heap_header *header,
                        const struct mp_heap_json_options *options)
{
    fprintf(out,
            "{\n  \"schema\": \"memory_profiler.%s\", \"version\": \"%s\",\n"
            "  \"unit\": \"bytes\", \"time_unit\": \"ns\",\n  ",
            schema, MP_VERSION);
    put_string(out, "capture", options->name);
    fputs(", ", out);
    put_string(out, "incomplete", options->incomplete);
    fprintf(out, ", \"sample\": %" PRIu64, header->sample);
    if (header->attached > 0)
        fprintf(out, ", \"attached\": %" PRId64, header->attached);
    fputs(",\n", out);
}

static void put_totals(FILE *out, const struct mp_heap_view *view)
{
    const struct mp_heap_header *header = view->header;
    struct mp_heap_totals totals = mp_heap_totals(view);
    struct mp_heap_held held = mp_heap_held(view);
    fprintf(out,
            "  \"pid\": %" PRId64 ", \"wall_start\": %" PRId64 ", \"elapsed\": %" PRId64
            ",\n",
            header->pid, header->wall_start, header->elapsed);
    fprintf(out,
            "  \"peak\": %" PRId64 ", \"peak_blocks\": %" PRIu64 ", \"peak_time\": %" PRId64
            ",\n",
            header->peak, totals.peak_blocks, header->peak_time);
    fprintf(out, "  \"held\": %" PRId64 ", \"reserved\": %" PRId64 ",\n", held.held,
            held.reserved);
    fprintf(out, "  \"live\": %" PRId64 ", \"live_blocks\": %" PRIu64 ",\n", header->live,
            totals.live_blocks);
    fprintf(out,
            "  \"total\": %" PRIu64 ", \"allocations\": %" PRIu64 ", \"frees\": %" PRIu64
            ", \"temporary\": %" PRIu64 ",\n",
            totals.total, totals.blocks, totals.frees, totals.temporary);
    char command[MP_HEAP_COMMAND];
    mp_heap_command(command, header->command);
    fputs("  ", out);
    put_string(out, "command", command);
    fputs(",\n", out);
    struct mp_heap_kinds kinds = mp_heap_kinds(view);
    fprintf(out,
            "  \"kinds\": {\"python\": {\"at_peak\": %" PRId64 ", \"live\": %" PRId64
            "}, \"malloc\": {\"at_peak\": %" PRId64 ", \"live\": %" PRId64
            "}, \"mmap\": {\"at_peak\": %" PRId64 ", \"live\": %" PRId64
            "}, \"pool\": {\"at_peak\": %" PRId64 ", \"live\": %" PRId64 "}},\n",
            kinds.at_peak[MP_HEAP_PYTHON], kinds.live[MP_HEAP_PYTHON],
            kinds.at_peak[MP_HEAP_MALLOC], kinds.live[MP_HEAP_MALLOC],
            kinds.at_peak[MP_HEAP_MMAP], kinds.live[MP_HEAP_MMAP],
            kinds.at_peak[MP_HEAP_POOL], kinds.live[MP_HEAP_POOL]);
    fprintf(out, "  \"native\": %s, \"lost\": %s,\n",
            header->followed & 1 << MP_HEAP_MALLOC ? "true" : "false",
            header->followed & MP_HEAP_LOST ? "true" : "false");
    fprintf(out,
            "  \"untracked\": %" PRIu64 ", \"untracked_bytes\": %" PRIu64
            ", \"shortened\": %" PRIu64 ", \"misplaced\": %" PRIu64 ",\n",
            header->untracked, header->untracked_bytes, header->shortened,
            header->misplaced);
}

static void put_rss(FILE *out, const struct mp_heap_view *view)
{
    struct mp_heap_marks marks = mp_heap_marks(view);
    if (!marks.peak)
        fputs("  \"rss\": null,\n", out);
    else
        fprintf(out,
                "  \"rss\": {\"at_peak\": %" PRId64 ", \"at_end\": %" PRId64
                ", \"most\": %" PRId64 ", \"most_time\": %" PRId64 "},\n",
                marks.peak->rss, marks.end->rss, marks.most->rss, marks.most->time);
}

/* By what lines are shown. */
static enum mp_heap_order order_of(const struct mp_heap_view *view)
{
    return view->growth ? MP_HEAP_BY_GROWTH : MP_HEAP_BY_PEAK;
}

/* Weights of lines are named after what they are of. */
static const char *weight_name(const struct mp_heap_view *view)
{
    return view->growth ? "growth" : "at_peak";
}

static void put_figures(FILE *out, const struct mp_heap_view *view,
                        const struct mp_heap_line *sum)
{
    fprintf(out,
            "\"at_peak\": %" PRId64 ", \"live\": %" PRId64 ", \"blocks_at_peak\": %" PRIu64
            ", \"live_blocks\": %" PRIu64,
            sum->at_peak, sum->live, sum->blocks_at_peak, sum->live_blocks);
    fprintf(out,
            ", \"total\": %" PRIu64 ", \"allocations\": %" PRIu64
            ", \"temporary\": %" PRIu64,
            sum->total, sum->blocks, sum->temporary);
    if (view->growth)
        fprintf(out, ", \"growth\": %" PRId64 ", \"growth_blocks\": %" PRId64, sum->growth,
                sum->growth_blocks);
}

void mp_heap_json_place(FILE *out, const struct mp_heap_view *view, uint32_t code, int line)
{
    put_text(out, "file", view, view->codes[code].file);
    fprintf(out, ", \"line\": %d, ", line);
    put_text(out, "function", view, view->codes[code].name);
}

/* As many as their names have room for: a damaged file has no more lines than it has names. */
static size_t fit(const struct mp_heap_view *view, const struct mp_heap_frame *frames,
                  size_t count, size_t *left)
{
    size_t fitting = 0, bytes = 0;
    for (; fitting < count; fitting++) {
        const struct mp_heap_code *code = &view->codes[frames[fitting].code];
        if ((bytes += code->name.length + code->file.length) > MOST_NAMES)
            break;
    }
    for (size_t i = fitting; i < count; i++)
        *left += frames[i].times;
    return fitting;
}

static void put_callers(FILE *out, const struct mp_heap_view *view,
                        const struct mp_heap_calls *calls, uint32_t node)
{
    struct mp_heap_frame frames[CALLERS];
    size_t left, count = mp_heap_callers(calls, node, frames, CALLERS, &left);
    count = fit(view, frames, count, &left);
    fputs(", \"callers\": [", out);
    for (size_t i = 0; i < count; i++) {
        fputs(i ? ", {" : "{", out);
        mp_heap_json_place(out, view, frames[i].code, frames[i].line);
        fprintf(out, ", \"times\": %" PRIu32 "}", frames[i].times);
    }
    fprintf(out, "], \"callers_left_out\": %zu", left);
}

/* The line of the user's that led to most of it. */
static void put_user(FILE *out, const struct mp_heap_view *view,
                     const struct mp_heap_calls *calls, struct mp_heap_heaviest heaviest)
{
    fputs(", \"user\": ", out);
    if (!heaviest.user) {
        fputs("null", out);
        return;
    }
    struct mp_heap_frame frame = mp_heap_frame_of(calls, heaviest.user);
    fputc('{', out);
    mp_heap_json_place(out, view, frame.code, frame.line);
    fprintf(out, ", \"%s\": %" PRIu64 "}", weight_name(view), heaviest.by_user);
}

static void put_lines(FILE *out, const struct mp_heap_view *view,
                      struct mp_heap_lines *lines, const struct mp_heap_type_rows *types)
{
    enum mp_heap_order order = order_of(view);
    mp_heap_lines_sort(lines, view, order);
    fputs("  \"lines\": [", out);
    for (size_t i = 0; i < lines->count; i++) {
        const struct mp_heap_line *line = &lines->lines[i];
        struct mp_heap_heaviest heaviest = mp_heap_line_heaviest(line, order);
        fprintf(out, "%s\n    {", i ? "," : "");
        mp_heap_json_place(out, view, line->code, line->line);
        fputs(", ", out);
        put_figures(out, view, line);
        mp_heap_cumulative_json(out, view, &line->cumulative);
        fputs(", ", out);
        mp_heap_marks_json(out, line);
        fprintf(out, ", \"stacks\": %" PRIu32 ", \"heaviest\": %" PRIu64, line->stacks,
                heaviest.weight);
        put_user(out, view, &lines->calls, heaviest);
        put_callers(out, view, &lines->calls, heaviest.node);
        mp_heap_types_beneath_json(out, types, line->number);
        fputc('}', out);
    }
    fputs("],\n", out);
}

/* The library's line that allocated most of what a user's line led to. */
static void put_beneath(FILE *out, const struct mp_heap_view *view,
                        const struct mp_heap_beneath *beneath)
{
    fputs(", \"beneath\": ", out);
    if (!beneath->code) {
        fputs("null", out);
        return;
    }
    fputc('{', out);
    mp_heap_json_place(out, view, beneath->code, beneath->line);
    fprintf(out, ", \"%s\": %" PRIu64 "}", weight_name(view), beneath->weight);
}

static void put_your_lines(FILE *out, const struct mp_heap_view *view,
                           struct mp_heap_your_lines *yours)
{
    mp_heap_your_lines_sort(yours, view, order_of(view));
    fputs("  \"your_lines\": [", out);
    for (size_t i = 0; i < yours->count; i++) {
        const struct mp_heap_line *line = &yours->lines[i].line;
        fprintf(out, "%s\n    {", i ? "," : "");
        mp_heap_json_place(out, view, line->code, line->line);
        fputs(", ", out);
        put_figures(out, view, line);
        mp_heap_cumulative_json(out, view, &line->cumulative);
        fputs(", ", out);
        mp_heap_marks_json(out, line);
        put_beneath(out, view, &yours->lines[i].beneath[order_of(view)]);
        fputc('}', out);
    }
    fputs("],\n  \"not_your_lines\": {", out);
    put_figures(out, view, &yours->elsewhere);
    fputs("},\n", out);
}

static void put_threads(FILE *out, const struct mp_heap_view *view)
{
    const char *comma = "";
    fputs("  \"threads\": [", out);
    for (size_t i = 0; i < view->counts[MP_HEAP_THREADS]; i++) {
        const struct mp_heap_thread *thread = &view->threads[i];
        if (!thread->blocks) /* the place for those beyond the table's end, mostly */
            continue;
        fprintf(out,
                "%s\n    {\"id\": %" PRId64 ", \"allocated\": %" PRIu64
                ", \"freed\": %" PRIu64,
                comma, thread->id, thread->allocated, thread->freed);
        comma = ",";
        fprintf(out,
                ", \"allocations\": %" PRIu64 ", \"frees\": %" PRIu64
                ", \"temporary\": %" PRIu64 "}",
                thread->blocks, thread->frees, thread->temporary);
    }
    fputs("],\n", out);
}

/* Of several processes: what they held at once, and between which bounds that is. */
static void put_together(FILE *out, const struct mp_heap_view *view)
{
    const struct mp_heap_point *most = mp_heap_marks(view).peak;
    struct mp_heap_bounds bounds = mp_heap_bounds(view);
    fputs("  \"together\": ", out);
    if (!view->processes || !most) {
        fputs("null,\n", out);
        return;
    }
    fprintf(out, "{\"heap\": %" PRId64 ", \"time\": %" PRId64, most->heap, most->time);
    if (bounds.most)
        fprintf(out, ", \"least\": %" PRId64 ", \"most\": %" PRId64 "},\n", bounds.least,
                bounds.most);
    else
        fputs(", \"least\": null, \"most\": null},\n", out);
}

static void put_series(FILE *out, const struct mp_heap_view *view)
{
    size_t count;
    const struct mp_heap_point *points = mp_heap_points(view, &count);
    fputs("  \"series\": [", out);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s\n    [%" PRId64 ", %" PRId64 ", %" PRId64 "]", i ? "," : "",
                points[i].time, points[i].rss, points[i].heap);
    fputs("]\n}\n", out);
}

void mp_heap_json(FILE *out, const struct mp_heap_view *view, struct mp_heap_lines *lines,
                  struct mp_heap_your_lines *yours,
                  const struct mp_heap_json_options *options)
{
    mp_heap_json_begin(out, "heap/1", view->header, options);
    mp_heap_death_json(out, options->death);
    mp_heap_killed_json(out, options->killed);
    put_totals(out, view);
    mp_heap_range_json(out, view, options->instants, options->instant_count);
    put_rss(out, view);
    struct mp_heap_sheet sheets[MP_HEAP_READINGS];
    mp_heap_sheets(view, sheets);
    fputs("  ", out);
    mp_heap_balance_json(out, sheets);
    fputs(",\n  \"own\": {", out);
    put_figures(out, view, &lines->own);
    fputs("},\n", out);
    put_your_lines(out, view, yours);
    put_lines(out, view, lines, options->types);
    put_threads(out, view);
    mp_heap_processes_json(out, options->processes);
    put_together(out, view);
    put_series(out, view);
}

void mp_heap_groups_json(FILE *out, const struct mp_heap_view *view,
                         const struct mp_heap_groups *groups,
                         const struct mp_heap_json_options *options)
{
    static const char *const kinds[] = {[MP_HEAP_PROGRAM] = "program",
                                        [MP_HEAP_PACKAGE] = "package",
                                        [MP_HEAP_LIBRARY] = "library",
                                        [MP_HEAP_OWN] = "memory_profiler",
                                        [MP_HEAP_NOWHERE] = "none"};
    mp_heap_json_begin(out, "heap-files/1", view->header, options);
    fputs("  \"groups\": [", out);
    for (size_t i = 0; i < groups->count; i++) {
        const struct mp_heap_group *group = &groups->groups[i];
        fprintf(out, "%s\n    {\"kind\": \"%s\", ", i ? "," : "", kinds[group->kind]);
        put_text(out, "name", view, group->name);
        fprintf(out, ", \"files\": %zu, ", group->files);
        put_figures(out, view, &group->sum);
        mp_heap_cumulative_json(out, view, &group->sum.cumulative);
        fputc('}', out);
    }
    fputs("]\n}\n", out);
}

static void put_listed(FILE *out, const struct mp_heap_view *view,
                       const struct mp_heap_listed *listed)
{
    put_figures(out, view, &listed->self);
    mp_heap_cumulative_json(out, view, &listed->cumulative);
}

static void put_functions(FILE *out, const struct mp_heap_view *view,
                          const struct mp_heap_listing *listing)
{
    fputs("  \"functions\": [", out);
    for (size_t i = 0; i < listing->function_count; i++) {
        const struct mp_heap_function *function = &listing->functions[i];
        fprintf(out, "%s\n    {", i ? "," : "");
        put_text(out, "function", view, view->codes[function->code].name);
        fprintf(out, ", \"first_line\": %d, \"last_line\": %d}", function->first,
                function->last);
    }
    fputs("],\n", out);
}

void mp_heap_listing_json(FILE *out, const struct mp_heap_view *view,
                          const struct mp_heap_listing *listing,
                          const struct mp_heap_source_text *source,
                          const struct mp_heap_json_options *options)
{
    mp_heap_json_begin(out, "heap-lines/1", view->header, options);
    fputs("  ", out);
    put_text(out, "file", view, listing->file);
    fprintf(out, ", \"changed\": %s, \"recorded\": %s, ",
            source->changed ? "true" : "false", source->recorded ? "true" : "false");
    put_string(out, "no_source", source->why);
    fputs(",\n  ", out);
    put_listed(out, view, &listing->whole);
    fputs(",\n", out);
    put_functions(out, view, listing);
    fputs("  \"lines\": [", out);
    for (size_t i = 0; i < listing->count; i++) {
        size_t length = 0;
        const char *text = mp_heap_source_at(source, listing->lines[i].self.line, &length);
        fprintf(out, "%s\n    {\"line\": %d, ", i ? "," : "", listing->lines[i].self.line);
        put_listed(out, view, &listing->lines[i]);
        fputs(", ", out);
        mp_heap_marks_json(out, &listing->lines[i].self);
        fputs(", \"source\": ", out);
        if (text)
            mp_escape_json(out, text, length);
        else
            fputs("null", out);
        fputc('}', out);
    }
    fputs("]\n}\n", out);
}
