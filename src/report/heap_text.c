#include "report/heap_text.h"

#include <inttypes.h>
#include <string.h>

#include "base/escape.h"
#include "report/size.h"

static const char indent[] = "                              ";

static void put_text(FILE *out, const struct mp_heap_view *view, struct mp_heap_text text)
{
    mp_escape_terminal(out, view->text + text.offset, text.length, false);
}

static void put_place(FILE *out, const struct mp_heap_view *view,
                      const struct mp_heap_line *line)
{
    const struct mp_heap_code *code = &view->codes[line->code];
    if (!line->code) {
        fputs("(no Python code running)\n", out);
        return;
    }
    put_text(out, view, code->file);
    fprintf(out, ":%d ", line->line);
    put_text(out, view, code->name);
    fputc('\n', out);
}

static void put_source(FILE *out, const struct mp_heap_view *view,
                       const struct mp_heap_line *line,
                       const struct mp_heap_text_options *options)
{
    size_t length;
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
    fputs(indent, out);
    mp_escape_terminal(out, text, length, false);
    fputc('\n', out);
}

/* What a table shows of a line, and of how much. */
struct table {
    enum mp_heap_order order;
    const char *title;
    uint64_t whole;
};

static uint64_t blocks_of(const struct mp_heap_line *line, enum mp_heap_order order)
{
    return order == MP_HEAP_BY_PEAK   ? line->blocks_at_peak
           : order == MP_HEAP_BY_LIVE ? line->live_blocks
                                      : line->temporary;
}

static void put_row(FILE *out, const struct mp_heap_view *view,
                    const struct mp_heap_line *line, const struct table *table)
{
    char room[MP_SIZE_ROOM];
    uint64_t weight = mp_heap_line_weight(line, table->order);
    double share = table->whole ? 100.0 * (double)weight / (double)table->whole : 0;
    int64_t bytes =
        table->order == MP_HEAP_BY_CHURN ? (int64_t)line->total : (int64_t)weight;
    fprintf(out, "%11s %5.1f%% %10" PRIu64 "  ", mp_size_text(bytes, room), share,
            blocks_of(line, table->order));
    put_place(out, view, line);
}

static void put_table(FILE *out, const struct mp_heap_view *view,
                      struct mp_heap_lines *lines, const struct table *table,
                      const struct mp_heap_text_options *options)
{
    mp_heap_lines_sort(lines, view, table->order);
    if (!lines->count || !mp_heap_line_weight(&lines->lines[0], table->order))
        return;
    fprintf(out, "\n%s\n%11s %6s %10s  %s\n", table->title,
            table->order == MP_HEAP_BY_CHURN ? "allocated" : "bytes", "share", "blocks",
            "where");
    for (size_t i = 0; i < lines->count && i < options->most; i++) {
        if (!mp_heap_line_weight(&lines->lines[i], table->order))
            break;
        put_row(out, view, &lines->lines[i], table);
        put_source(out, view, &lines->lines[i], options);
    }
}

static void put_rss(FILE *out, const struct mp_heap_header *header)
{
    const struct mp_heap_series *series = &header->series;
    const struct mp_heap_point *points = series->points[series->bank];
    char at_peak[MP_SIZE_ROOM], most[MP_SIZE_ROOM];
    int64_t heap = -1, rss = 0, largest = 0;
    for (uint32_t i = 0; i < series->count[series->bank]; i++) {
        if (points[i].heap > heap) {
            heap = points[i].heap;
            rss = points[i].rss;
        }
        largest = points[i].rss > largest ? points[i].rss : largest;
    }
    if (heap >= 0)
        fprintf(out, "  %-10s %s when the sampled heap was largest, %s at most\n", "RSS",
                mp_size_text(rss, at_peak), mp_size_text(largest, most));
}

void mp_heap_text_missing(FILE *out, const struct mp_heap_header *header,
                          const char *incomplete)
{
    if (incomplete)
        fprintf(out, "  incomplete: %s\n", incomplete);
    if (header->untracked)
        fprintf(out, "  not followed: %" PRIu64 " blocks, for want of memory\n",
                header->untracked);
    if (header->shortened)
        fprintf(out,
                "  charged to their callers: %" PRIu64
                " stacks that found no room in the file\n",
                header->shortened);
}

static void put_summary(FILE *out, const struct mp_heap_header *header,
                        const struct mp_heap_text_options *options)
{
    char room[MP_SIZE_ROOM];
    fprintf(out, "Python heap of process %" PRId64 ": ", header->pid);
    mp_escape_terminal(out, options->name, strlen(options->name), false);
    fprintf(out, "\n  %-10s %s in %" PRIu64 " blocks, %.3f s after the start\n", "peak",
            mp_size_text(header->peak, room), header->peak_blocks,
            (double)header->peak_time / 1e9);
    fprintf(out, "  %-10s %s in %" PRIu64 " blocks after %.3f s\n", "live",
            mp_size_text(header->live, room), header->live_blocks,
            (double)header->elapsed / 1e9);
    fprintf(out,
            "  %-10s %s in %" PRIu64 " blocks; %" PRIu64
            " freed before their thread's next\n",
            "allocated", mp_size_text((int64_t)header->total, room), header->blocks,
            header->temporary);
    put_rss(out, header);
    mp_heap_text_missing(out, header, options->incomplete);
}

void mp_heap_text(FILE *out, const struct mp_heap_view *view, struct mp_heap_lines *lines,
                  const struct mp_heap_text_options *options)
{
    const struct mp_heap_header *header = view->header;
    const struct table tables[] = {
        {MP_HEAP_BY_PEAK, "At the peak", (uint64_t)header->peak},
        {MP_HEAP_BY_LIVE, "Still live", (uint64_t)header->live},
        {MP_HEAP_BY_CHURN, "Freed at once (before their thread allocated again)",
         header->temporary},
    };
    put_summary(out, header, options);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        put_table(out, view, lines, &tables[i], options);
}
