#include "report/heap/page_json.h"

#include <inttypes.h>

#include "aggregate/heap/balance.h"
#include "aggregate/heap/command.h"
#include "base/escape.h"
#include "report/heap/names.h"
#include "report/heap/page_holders.h"
#include "report/heap/page_members.h"
#include "report/heap/page_moments.h"
#include "report/heap/page_texts.h"
#include "report/heap/page_types.h"

/* A member and the comma behind it. */
static void put_text(FILE *out, const char *key, const char *text)
{
    fprintf(out, "\"%s\":", key);
    mp_escape_json_or_null(out, text);
    fputs(",\n", out);
}

static void put_command(FILE *out, const struct mp_heap_header *header)
{
    char command[MP_HEAP_COMMAND];
    mp_heap_command(command, header->command);
    put_text(out, "command", command);
}

static void put_header(FILE *out, const struct mp_heap_view *view)
{
    const struct mp_heap_header *header = view->header;
    struct mp_heap_totals totals = mp_heap_totals(view);
    struct mp_heap_held held = mp_heap_held(view);
    fprintf(out,
            "\"pid\":%" PRId64
            ",\"processes\":%zu,\"start\":%.3f,\"elapsed\":%.6f,\"peak_time\":%.6f,\n",
            header->pid, view->processes ? view->processes : 1,
            (double)header->wall_start / 1e9, (double)header->elapsed / 1e9,
            (double)header->peak_time / 1e9);
    fprintf(out,
            "\"held\":%" PRId64 ",\"reserved\":%" PRId64 ",\n\"counted\":{\"peak\":%" PRId64
            ",\"live\":%" PRId64 ",\"total\":%" PRIu64 ",\"blocks\":%" PRIu64
            ",\"frees\":%" PRIu64 ",\"temporary\":%" PRIu64 "},\n",
            held.held, held.reserved, header->peak, header->live, totals.total,
            totals.blocks, totals.frees, totals.temporary);
    fprintf(out,
            "\"untracked\":%" PRIu64 ",\"untracked_bytes\":%" PRIu64
            ",\"shortened\":%" PRIu64 ",\"misplaced\":%" PRIu64 ",\"sample\":%" PRIu64
            ",\n",
            header->untracked, header->untracked_bytes, header->shortened,
            header->misplaced, header->sample);
}

/* [seconds, RSS, heap] */
static void put_series(FILE *out, const struct mp_heap_series *series)
{
    const struct mp_heap_point *points = series->points[series->bank];
    fputs("\"series\":[", out);
    for (uint32_t i = 0; i < series->count[series->bank]; i++)
        fprintf(out, "%s[%.6f,%" PRId64 ",%" PRId64 "]", i ? "," : "",
                (double)points[i].time / 1e9, points[i].rss, points[i].heap);
    fputs("],\n", out);
}

/* peak, blocks at the peak, live, live blocks, total, blocks, temporary */
static void put_figures(FILE *out, const struct mp_heap_line *sum)
{
    fprintf(out,
            "%" PRId64 ",%" PRIu64 ",%" PRId64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
            ",%" PRIu64,
            sum->at_peak, sum->blocks_at_peak, sum->live, sum->live_blocks, sum->total,
            sum->blocks, sum->temporary);
}

static int64_t function_of(const struct mp_flame_frame *frame,
                           const struct mp_heap_names *names)
{
    static const int kinds[] = {
        [MP_FLAME_SMALLER] = -1, [MP_FLAME_DEEPER] = -2, [MP_FLAME_OWN] = -3};
    return frame->kind == MP_FLAME_FRAME ? (int64_t)names->numbers[frame->sum.code]
                                         : kinds[frame->kind];
}

/* [caller, function or -1 smaller, -2 deeper, -3 ours, line, stacks, figures] */
static void put_frames(FILE *out, const struct mp_flame *flame,
                       const struct mp_heap_names *names)
{
    fputs("\"frames\":[", out);
    for (size_t i = 0; i < flame->count; i++) {
        const struct mp_flame_frame *frame = &flame->frames[i];
        fprintf(out, "%s[%u,%" PRId64 ",%d,%u,", i ? ",\n" : "\n", frame->parent,
                function_of(frame, names), frame->sum.line, frame->stacks);
        put_figures(out, &frame->sum);
        fputc(']', out);
    }
    fputs("],\n", out);
}

/* [frame, how many times], of those that stand for a cycle's other times too */
static void put_times(FILE *out, const struct mp_flame *flame)
{
    const char *before = "";
    fputs("\"times\":[", out);
    for (size_t i = 0; i < flame->count; i++)
        if (flame->frames[i].times) {
            fprintf(out, "%s[%zu,%u]", before, i, flame->frames[i].times);
            before = ",";
        }
    fputc(']', out);
}

static void put_graphs(FILE *out, const struct mp_heap_page *page,
                       const struct mp_heap_names *names)
{
    fprintf(out, "\"inverted\":%s,\n\"graphs\":[", page->inverted ? "true" : "false");
    for (size_t i = 0; i < page->graph_count; i++) {
        const struct mp_flame *graph = page->graphs[i];
        fprintf(out, "%s\n{\"inverted\":%s,\"folded\":%s,\"least\":%.9g,", i ? "," : "",
                graph->inverted ? "true" : "false", graph->folded > 0 ? "true" : "false",
                graph->least);
        put_frames(out, graph, names);
        put_times(out, graph);
        mp_heap_page_held(out, page, i);
        mp_heap_page_members_held(out, page, i);
        mp_heap_page_typed(out, page, i);
        fputc('}', out);
    }
    fputs("],\n", out);
}

/* [row, MP_HEAP_MARK_* of it], of those that have any */
static void put_marks(FILE *out, const struct mp_heap_rows *rows, size_t shown)
{
    const char *before = "";
    for (size_t i = 0; i < shown; i++)
        if (rows->rows[i].marks) {
            fprintf(out, "%s[%zu,%u]", before, i, rows->rows[i].marks);
            before = ",";
        }
}

/* peak, live, total; callees included */
static void put_cumulative(FILE *out, const struct mp_heap_sum *sum)
{
    fprintf(out, ",%" PRId64 ",%" PRId64 ",%" PRIu64 "]", sum->at_peak, sum->live,
            sum->total);
}

/* [function, line, figures, with callees] */
static void put_rows(FILE *out, const struct mp_heap_page *page,
                     const struct mp_heap_names *names)
{
    size_t shown = mp_heap_page_rows(page);
    fputs("\"rows\":[", out);
    for (size_t i = 0; i < shown; i++) {
        const struct mp_heap_line *row = &page->rows->rows[i];
        fprintf(out, "%s[%u,%d,", i ? ",\n" : "\n", names->numbers[row->code], row->line);
        put_figures(out, row);
        put_cumulative(out, &row->cumulative);
    }
    fputs("],\n\"marks\":[", out);
    put_marks(out, page->rows, shown);
    struct mp_heap_line more = mp_heap_rows_rest(page->rows, shown);
    fprintf(out, "],\n\"more\":[%zu,", page->rows->count - shown);
    put_figures(out, &more);
    fputs("],\n\"own\":[", out);
    put_figures(out, &page->rows->own);
    fputs("]}\n", out);
}

/* function or -1 none, line, and what it allocated for this one */
static void put_beneath(FILE *out, const struct mp_heap_beneath *beneath,
                        const struct mp_heap_names *names)
{
    int64_t function = beneath->code ? (int64_t)names->numbers[beneath->code] : -1;
    fprintf(out, "%" PRId64 ",%d,%" PRIu64 ",", function,
            beneath->importing ? 0 : beneath->line, beneath->weight);
}

/* [function, line, marks, the heaviest beneath at the peak, figures, with callees] */
static void put_yours(FILE *out, const struct mp_heap_page *page,
                      const struct mp_heap_names *names)
{
    size_t shown = mp_heap_page_yours(page);
    struct mp_heap_line more = {0};
    fputs("\"yours\":[", out);
    for (size_t i = 0; i < page->yours->count; i++) {
        const struct mp_heap_your_line *yours = &page->yours->lines[i];
        if (i >= shown) {
            mp_heap_line_add(&more, &yours->line);
            continue;
        }
        fprintf(out, "%s[%u,%d,%u,", i ? ",\n" : "\n", names->numbers[yours->line.code],
                yours->line.line, yours->line.marks);
        put_beneath(out, &yours->beneath[MP_HEAP_BY_PEAK], names);
        put_figures(out, &yours->line);
        put_cumulative(out, &yours->line.cumulative);
    }
    fprintf(out, "],\n\"yours_more\":[%zu,", page->yours->count - shown);
    put_figures(out, &more);
    fputs("],\n\"elsewhere\":[", out);
    put_figures(out, &page->yours->elsewhere);
    fputs("],\n", out);
}

int mp_heap_page_json(FILE *out, const struct mp_heap_page *page)
{
    struct mp_heap_names names;
    int failed = mp_heap_names_init(&names, page);
    if (!failed) {
        fputs("{\"schema\":\"memory_profiler.heap_page/3\",", out);
        put_text(out, "version", MP_VERSION);
        put_text(out, "file", page->name);
        put_text(out, "title", page->title);
        put_text(out, "incomplete", page->incomplete);
        put_command(out, page->rows->view->header);
        put_header(out, page->rows->view);
        put_series(out, &page->rows->view->header->series);
        mp_heap_names_files(out, &names, page->paths);
        mp_heap_names_sources(out, &names, page);
        failed = mp_heap_page_texts(out, page, &names);
        mp_heap_page_moments(out, page);
        put_graphs(out, page, &names);
        put_yours(out, page, &names);
        mp_heap_page_types(out, page);
        mp_heap_page_holders(out, page);
        mp_heap_page_keepers(out, page);
        mp_heap_page_members(out, page, &names);
        put_rows(out, page, &names);
    }
    mp_heap_names_release(&names);
    return failed;
}
