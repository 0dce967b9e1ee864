#include <inttypes.h>

#include "base/escape.h"
#include "report/top/heap.h"

static const char *const kinds[] = {
    [MP_HEAP_LIVE_PLACE] = "code",        [MP_HEAP_LIVE_NOT_YOURS] = "not-yours",
    [MP_HEAP_LIVE_IMPORTING] = "imports", [MP_HEAP_LIVE_OWN] = "memory_profiler",
    [MP_HEAP_LIVE_NOWHERE] = "no-python", [MP_HEAP_LIVE_PROCESS] = "process",
    [MP_HEAP_LIVE_THREAD] = "thread",
};

static void put_text(FILE *out, const struct mp_heap_live *live, const char *name,
                     struct mp_heap_text text)
{
    if (!text.length)
        return;
    fprintf(out, ", \"%s\": ", name);
    mp_escape_json(out, live->text + text.offset, text.length);
}

/* Of a thread it is not known what it holds. */
static void put_row(FILE *out, const struct mp_top_heap *top,
                    const struct mp_heap_live_row *row)
{
    const struct mp_heap_live *live = top->live;
    const struct mp_heap_live_figures *now = &row->now;
    bool is_code = row->kind == MP_HEAP_LIVE_PLACE;
    fprintf(out, "{\"kind\": \"%s\"", kinds[row->kind]);
    put_text(out, live, "file", row->file);
    if (row->line &&
        (is_code || row->kind == MP_HEAP_LIVE_PROCESS || row->kind == MP_HEAP_LIVE_THREAD))
        fprintf(out, ", \"%s\": %" PRId64, is_code ? "line" : kinds[row->kind], row->line);
    put_text(out, live, is_code ? "function" : "name", row->name);
    if (is_code)
        fprintf(out, ", \"users\": %s", row->users ? "true" : "false");
    if (live->group != MP_HEAP_LIVE_THREADS)
        fprintf(out,
                ", \"live\": %" PRId64 ", \"live_blocks\": %" PRIu64
                ", \"at_peak\": %" PRId64,
                now->live, now->blocks, now->at_peak);
    if (live->was_rated)
        fprintf(out, ", \"rate\": %.0f", row->rate);
    fprintf(out,
            ", \"since\": %" PRId64 ", \"since_error\": %" PRId64 ", \"total\": %" PRIu64
            ", \"allocations\": %" PRIu64 ", \"temporary\": %" PRIu64 "}",
            mp_heap_live_growth(live, row),
            mp_heap_live_growth_error(top->sample, live, row), now->total, now->allocations,
            now->temporary);
}

void mp_top_heap_json(FILE *out, const struct mp_top_heap *top)
{
    char by[MP_HEAP_FIGURE], sort[MP_HEAP_FIGURE];
    const struct mp_heap_live *live = top->live;
    size_t count = top->count < top->most ? top->count : top->most;
    fputs("{\"file\": ", out);
    mp_escape_json_or_null(out, top->screen.file);
    fprintf(out, ", \"pid\": %" PRId64 ", \"processes\": %zu, \"state\": ", top->screen.pid,
            top->screen.processes);
    mp_escape_json_or_null(out, top->screen.state);
    fprintf(out,
            ", \"elapsed\": %" PRId64 ", \"sample\": %" PRIu64 ", \"heap\": %" PRId64
            ", \"peak\": %" PRId64,
            top->screen.elapsed, top->sample, top->heap, top->peak);
    if (top->rss >= 0)
        fprintf(out, ", \"rss\": %" PRId64, top->rss);
    if (live->was_rated)
        fprintf(out, ", \"rate\": %.0f", top->heap_rate);
    fprintf(out, ", \"since_time\": %" PRId64 ", \"since_error\": %" PRId64,
            top->since_time, mp_heap_live_growth_error(top->sample, live, &live->whole));
    fprintf(out, ", \"since\": %" PRId64 ", \"by\": \"%s\", \"sort\": \"%s\", \"rows\": [",
            top->heap_growth, mp_top_word(mp_heap_live_groups, (int)live->group, by),
            mp_top_word(mp_heap_live_orders, (int)top->sort, sort));
    for (size_t i = 0; i < count; i++) {
        fputs(i ? ", " : "", out);
        put_row(out, top, &live->rows[top->order[i]]);
    }
    fprintf(out, "], \"rows_left_out\": %zu}\n", top->count - count);
}
