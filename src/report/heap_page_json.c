#include "report/heap_page_json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"

/* The functions that something shown names, grouped by file, and their numbers in the page. */
struct naming {
    const struct mp_heap_view *view;
    uint32_t *codes;   /* owned: in the page's order */
    uint32_t *numbers; /* owned: of each code; while collecting, 1 when it is named */
    size_t count;
};

static size_t rows_shown(const struct mp_heap_page *page)
{
    return page->rows->count < page->most ? page->rows->count : page->most;
}

static int compare_codes(const void *left, const void *right, void *context)
{
    const struct mp_heap_view *view = context;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    int order = mp_heap_text_compare(view, view->codes[a].file, view->codes[b].file);
    return order ? order : (a > b) - (a < b);
}

static int naming_init(struct naming *naming, const struct mp_heap_page *page)
{
    const struct mp_heap_view *view = page->rows->view;
    size_t codes = view->counts[MP_HEAP_CODES];
    *naming = (struct naming){.view = view,
                              .codes = calloc(codes + 1, sizeof *naming->codes),
                              .numbers = calloc(codes + 1, sizeof *naming->numbers)};
    if (!naming->codes || !naming->numbers)
        return -1;
    for (size_t i = 0; i < page->flame->count; i++)
        naming->numbers[page->flame->frames[i].sum.code] = 1;
    for (size_t i = 0; i < rows_shown(page); i++)
        naming->numbers[page->rows->rows[i].code] = 1;
    for (uint32_t code = 0; code < codes; code++)
        if (naming->numbers[code])
            naming->codes[naming->count++] = code;
    qsort_r(naming->codes, naming->count, sizeof *naming->codes, compare_codes,
            (void *)view);
    for (size_t i = 0; i < naming->count; i++)
        naming->numbers[naming->codes[i]] = (uint32_t)i;
    return 0;
}

static void naming_release(struct naming *naming)
{
    free(naming->codes);
    free(naming->numbers);
}

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

static void put_header(FILE *out, const struct mp_heap_header *header)
{
    fprintf(out,
            "\"pid\":%" PRId64 ",\"start\":%.3f,\"elapsed\":%.6f,\"peak_time\":%.6f,\n"
            "\"counted\":{\"peak\":%" PRId64 ",\"peak_blocks\":%" PRIu64
            ",\"live\":%" PRId64 ",\"live_blocks\":%" PRIu64 ",\"total\":%" PRIu64
            ",\"blocks\":%" PRIu64 ",\"frees\":%" PRIu64 ",\"temporary\":%" PRIu64 "},\n",
            header->pid, (double)header->wall_start / 1e9, (double)header->elapsed / 1e9,
            (double)header->peak_time / 1e9, header->peak, header->peak_blocks,
            header->live, header->live_blocks, header->total, header->blocks, header->frees,
            header->temporary);
    fprintf(out,
            "\"untracked\":%" PRIu64 ",\"untracked_bytes\":%" PRIu64
            ",\"shortened\":%" PRIu64 ",\n",
            header->untracked, header->untracked_bytes, header->shortened);
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

/* [{path, functions: [[name, first line]]}]; functions are numbered through. */
static void put_files(FILE *out, const struct naming *naming)
{
    const struct mp_heap_view *view = naming->view;
    fputs("\"files\":[", out);
    for (size_t i = 0; i < naming->count; i++) {
        const struct mp_heap_code *code = &view->codes[naming->codes[i]];
        bool first = !i || mp_heap_text_compare(
                               view, view->codes[naming->codes[i - 1]].file, code->file);
        if (first) {
            fputs(i ? "]},\n{\"path\":" : "\n{\"path\":", out);
            mp_escape_json(out, view->text + code->file.offset, code->file.length);
            fputs(",\"functions\":[", out);
        }
        fputs(first ? "[" : ",[", out);
        mp_escape_json(out, view->text + code->name.offset, code->name.length);
        fprintf(out, ",%d]", code->first_line);
    }
    fputs(naming->count ? "]}],\n" : "],\n", out);
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

/* [caller, function or -1 smaller, -2 deeper, line, stacks, figures] */
static void put_frames(FILE *out, const struct mp_flame *flame, const struct naming *naming)
{
    fprintf(out, "\"least\":%.9g,\"frames\":[", flame->least);
    for (size_t i = 0; i < flame->count; i++) {
        const struct mp_flame_frame *frame = &flame->frames[i];
        int64_t function = frame->kind == MP_FLAME_FRAME
                               ? (int64_t)naming->numbers[frame->sum.code]
                           : frame->kind == MP_FLAME_SMALLER ? -1
                                                             : -2;
        fprintf(out, "%s[%u,%" PRId64 ",%d,%u,", i ? ",\n" : "\n", frame->parent, function,
                frame->sum.line, frame->stacks);
        put_figures(out, &frame->sum);
        fputc(']', out);
    }
    fputs("],\n", out);
}

/* [source or null, function, line, figures] */
static void put_rows(FILE *out, const struct mp_heap_page *page,
                     const struct naming *naming)
{
    const struct mp_heap_view *view = page->rows->view;
    size_t shown = rows_shown(page);
    fputs("\"rows\":[", out);
    for (size_t i = 0; i < shown; i++) {
        const struct mp_heap_line *row = &page->rows->rows[i];
        size_t length = 0;
        const char *source =
            row->code && page->source
                ? page->source(page->context, view, view->codes[row->code].file, row->line,
                               &length)
                : NULL;
        fputs(i ? ",\n[" : "\n[", out);
        if (source)
            mp_escape_json(out, source, length);
        else
            fputs("null", out);
        fprintf(out, ",%u,%d,", naming->numbers[row->code], row->line);
        put_figures(out, row);
        fputc(']', out);
    }
    struct mp_heap_line more = mp_heap_rows_rest(page->rows, shown);
    fprintf(out, "],\n\"more\":[%zu,", page->rows->count - shown);
    put_figures(out, &more);
    fputs("]}\n", out);
}

int mp_heap_page_json(FILE *out, const struct mp_heap_page *page)
{
    struct naming naming;
    int failed = naming_init(&naming, page);
    if (!failed) {
        fputs("{\"schema\":\"memory_profiler.heap_page/1\",", out);
        put_text(out, "version", MP_VERSION);
        put_text(out, "file", page->name);
        put_text(out, "title", page->title);
        put_text(out, "incomplete", page->incomplete);
        put_header(out, page->rows->view->header);
        put_series(out, &page->rows->view->header->series);
        put_files(out, &naming);
        put_frames(out, page->flame, &naming);
        put_rows(out, page, &naming);
    }
    naming_release(&naming);
    return failed;
}
