#include "report/heap_json.h"

#include <inttypes.h>
#include <string.h>

#include "base/escape.h"

static void put_text(FILE *out, const char *key, const struct mp_heap_view *view,
                     struct mp_heap_text text)
{
    fprintf(out, "\"%s\": ", key);
    mp_escape_json(out, view->text + text.offset, text.length);
}

static void put_totals(FILE *out, const struct mp_heap_view *view)
{
    const struct mp_heap_header *header = view->header;
    struct mp_heap_totals totals = mp_heap_totals(view);
    fprintf(out,
            "  \"pid\": %" PRId64 ", \"wall_start\": %" PRId64 ", \"elapsed\": %" PRId64
            ",\n",
            header->pid, header->wall_start, header->elapsed);
    fprintf(out,
            "  \"peak\": %" PRId64 ", \"peak_blocks\": %" PRIu64 ", \"peak_time\": %" PRId64
            ",\n",
            header->peak, totals.peak_blocks, header->peak_time);
    fprintf(out, "  \"live\": %" PRId64 ", \"live_blocks\": %" PRIu64 ",\n", header->live,
            totals.live_blocks);
    fprintf(out,
            "  \"total\": %" PRIu64 ", \"allocations\": %" PRIu64 ", \"frees\": %" PRIu64
            ", \"temporary\": %" PRIu64 ",\n",
            totals.total, totals.blocks, totals.frees, totals.temporary);
    fprintf(out, "  \"untracked\": %" PRIu64 ", \"shortened\": %" PRIu64 ",\n",
            header->untracked, header->shortened);
}

static void put_line(FILE *out, const struct mp_heap_view *view,
                     const struct mp_heap_line *line)
{
    const struct mp_heap_code *code = &view->codes[line->code];
    fputs("{", out);
    put_text(out, "file", view, code->file);
    fprintf(out, ", \"line\": %d, ", line->line);
    put_text(out, "function", view, code->name);
    fprintf(out,
            ", \"at_peak\": %" PRId64 ", \"live\": %" PRId64
            ", \"blocks_at_peak\": %" PRIu64 ", \"live_blocks\": %" PRIu64,
            line->at_peak, line->live, line->blocks_at_peak, line->live_blocks);
    fprintf(out,
            ", \"total\": %" PRIu64 ", \"allocations\": %" PRIu64
            ", \"temporary\": %" PRIu64 "}",
            line->total, line->blocks, line->temporary);
}

static void put_series(FILE *out, const struct mp_heap_series *series)
{
    const struct mp_heap_point *points = series->points[series->bank];
    for (uint32_t i = 0; i < series->count[series->bank]; i++)
        fprintf(out, "%s\n    [%" PRId64 ", %" PRId64 ", %" PRId64 "]", i ? "," : "",
                points[i].time, points[i].rss, points[i].heap);
}

void mp_heap_json(FILE *out, const struct mp_heap_view *view, struct mp_heap_lines *lines,
                  const char *incomplete)
{
    fputs("{\n  \"format\": \"mprof heap\", \"version\": 1, \"incomplete\": ", out);
    if (incomplete)
        mp_escape_json(out, incomplete, strlen(incomplete));
    else
        fputs("null", out);
    fputs(",\n", out);
    put_totals(out, view);
    mp_heap_lines_sort(lines, view, MP_HEAP_BY_PEAK);
    fputs("  \"lines\": [", out);
    for (size_t i = 0; i < lines->count; i++) {
        fprintf(out, "%s\n    ", i ? "," : "");
        put_line(out, view, &lines->lines[i]);
    }
    fputs("],\n  \"series\": [", out);
    put_series(out, &view->header->series);
    fputs("]\n}\n", out);
}
