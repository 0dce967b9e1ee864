#include "report/heap_page_json.h"

#include <inttypes.h>
#include <string.h>

#include "aggregate/heap_command.h"
#include "base/escape.h"
#include "report/heap_names.h"

/* A member and the comma behind it. */
static void put_text(FILE *out, const char *key, const char *text)
{
    fprintf(out, "\"%s\":", key);
    if (text)
        mp_escape_json(out, text, strlen(text));
    else
        fputs("null", out);
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
    fprintf(out,
            "\"pid\":%" PRId64
            ",\"processes\":%zu,\"start\":%.3f,\"elapsed\":%.6f,\"peak_time\":%.6f,\n",
            header->pid, view->processes ? view->processes : 1,
            (double)header->wall_start / 1e9, (double)header->elapsed / 1e9,
            (double)header->peak_time / 1e9);
    fprintf(out,
            "\"counted\":{\"peak\":%" PRId64 ",\"live\":%" PRId64 ",\"total\":%" PRIu64
            ",\"blocks\":%" PRIu64 ",\"frees\":%" PRIu64 ",\"temporary\":%" PRIu64 "},\n",
            header->peak, header->live, totals.total, totals.blocks, totals.frees,
            totals.temporary);
    fprintf(out,
            "\"untracked\":%" PRIu64 ",\"untracked_bytes\":%" PRIu64
            ",\"shortened\":%" PRIu64 ",\"sample\":%" PRIu64 ",\n",
            header->untracked, header->untracked_bytes, header->shortened, header->sample);
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
    fprintf(out, "\"least\":%.9g,\"frames\":[", flame->least);
    for (size_t i = 0; i < flame->count; i++) {
        const struct mp_flame_frame *frame = &flame->frames[i];
        fprintf(out, "%s[%u,%" PRId64 ",%d,%u,", i ? ",\n" : "\n", frame->parent,
                function_of(frame, names), frame->sum.line, frame->stacks);
        put_figures(out, &frame->sum);
        fputc(']', out);
    }
    fputs("],\n", out);
}

/* [function, line, figures] */
static void put_rows(FILE *out, const struct mp_heap_page *page,
                     const struct mp_heap_names *names)
{
    size_t shown = mp_heap_page_rows(page);
    fputs("\"rows\":[", out);
    for (size_t i = 0; i < shown; i++) {
        const struct mp_heap_line *row = &page->rows->rows[i];
        fprintf(out, "%s[%u,%d,", i ? ",\n" : "\n", names->numbers[row->code], row->line);
        put_figures(out, row);
        fputc(']', out);
    }
    struct mp_heap_line more = mp_heap_rows_rest(page->rows, shown);
    fprintf(out, "],\n\"more\":[%zu,", page->rows->count - shown);
    put_figures(out, &more);
    fputs("],\n\"own\":[", out);
    put_figures(out, &page->rows->own);
    fputs("]}\n", out);
}

int mp_heap_page_json(FILE *out, const struct mp_heap_page *page)
{
    struct mp_heap_names names;
    int failed = mp_heap_names_init(&names, page);
    if (!failed) {
        fputs("{\"schema\":\"memory_profiler.heap_page/1\",", out);
        put_text(out, "version", MP_VERSION);
        put_text(out, "file", page->name);
        put_text(out, "title", page->title);
        put_text(out, "incomplete", page->incomplete);
        put_command(out, page->rows->view->header);
        put_header(out, page->rows->view);
        put_series(out, &page->rows->view->header->series);
        mp_heap_names_files(out, &names, page->paths);
        mp_heap_names_sources(out, &names, page);
        put_frames(out, page->flame, &names);
        put_rows(out, page, &names);
    }
    mp_heap_names_release(&names);
    return failed;
}
