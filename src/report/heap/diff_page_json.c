/* What the page of a difference shows, as JSON. */
#include <inttypes.h>
#include <string.h>

#include "base/escape.h"
#include "report/heap/diff_page.h"
#include "report/heap/range.h"

enum { ROWS = 500 };

static void put_side(FILE *out, const struct mp_heap_diff_view *view, int side)
{
    const struct mp_heap_view *its = view->diff->sides[side].view;
    char words[MP_HEAP_RANGE_WORDS];
    fputs("{\"name\":", out);
    mp_escape_json(out, view->sides[side].name, strlen(view->sides[side].name));
    fputs(",\"at\":", out);
    mp_escape_json_or_null(out, its->range ? mp_heap_range_words(its, words) : NULL);
    fprintf(out, ",\"sample\":%" PRIu64 "}", its->header->sample);
}

/* "name","file","short file",line where it is; after, where it is there */
static void put_place(FILE *out, const struct mp_heap_diff_view *view, int side,
                      uint32_t code, int line)
{
    const struct mp_heap_view *its = view->diff->sides[side].view;
    struct mp_heap_text file = its->codes[code].file, name = its->codes[code].name;
    const struct mp_heap_paths *paths = view->sides[side].style.paths;
    struct mp_heap_text brief = paths ? mp_heap_paths_short(paths, file) : file;
    mp_escape_json(out, its->text + name.offset, name.length);
    fputc(',', out);
    mp_escape_json(out, its->text + brief.offset, brief.length);
    fprintf(out, ",%d", file.length ? line : 0);
}

static const char *name_of(enum mp_heap_difference_kind kind)
{
    return kind == MP_HEAP_ROW_OWN       ? MP_HEAP_OWN_NAME
           : kind == MP_HEAP_ROW_IMPORTS ? MP_HEAP_IMPORTING
           : kind == MP_HEAP_ROW_NOBODY  ? "(no line of yours)"
                                         : "(no Python code running)";
}

/* [caller, before, after, grew, shrank, name, file, line] */
static void put_frames(FILE *out, const struct mp_heap_diff_page *page)
{
    fputs("\"frames\":[", out);
    for (size_t i = 0; i < page->flame->count; i++) {
        const struct mp_diff_frame *frame = &page->flame->frames[i];
        int side = frame->code[MP_HEAP_AFTER] ? MP_HEAP_AFTER : MP_HEAP_BEFORE;
        fprintf(out, "%s[%u,%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",",
                i ? ",\n" : "\n", frame->parent, frame->bytes[0], frame->bytes[1],
                frame->grew, frame->shrank);
        if (!i)
            fputs("\"all\",\"\",0", out);
        else if (frame->kind == MP_HEAP_ROW_PLACE && frame->code[side])
            put_place(out, page->view, side, frame->code[side], frame->line[side]);
        else
            fprintf(out, "\"%s\",\"\",0", name_of(frame->kind));
        fputc(']', out);
    }
    fputs("],\n", out);
}

/* [before, after, growth, mark, name, file, line], what grew first, then what shrank */
static void put_rows(FILE *out, const struct mp_heap_diff_page *page)
{
    const struct mp_heap_diff *diff = page->view->diff;
    size_t changed = diff->grew + diff->shrank;
    const char *before = "\n";
    fputs("\"rows\":[", out);
    for (size_t i = 0; i < changed; i++) {
        const struct mp_heap_difference *row = &diff->changes[i];
        int side = mp_heap_difference_side(row);
        if (i >= ROWS && i + ROWS < changed)
            continue;
        fprintf(out, "%s[%" PRId64 ",%" PRId64 ",%" PRId64 ",\"%s\",", before,
                row->amount[0].bytes, row->amount[1].bytes, row->growth,
                mp_heap_difference_mark(row));
        if (row->kind <= MP_HEAP_ROW_MODULE)
            put_place(out, page->view, side, row->code[side], row->line[side]);
        else
            fprintf(out, "\"%s\",\"\",0", name_of(row->kind));
        fputc(']', out);
        before = ",\n";
    }
    fputs("]", out);
}

static void put_notices(FILE *out, const struct mp_heap_diff_view *view)
{
    fputs("\"unlike\":[", out);
    mp_heap_diff_put_unlike(out, view);
    fputs("],\n", out);
}

void mp_heap_diff_page_json(FILE *out, const struct mp_heap_diff_page *page)
{
    const struct mp_heap_diff_view *view = page->view;
    fputs("{\"schema\":\"memory_profiler.heap_diff_page/1\",\"version\":\"" MP_VERSION
          "\",\n\"before\":",
          out);
    put_side(out, view, MP_HEAP_BEFORE);
    fputs(",\"after\":", out);
    put_side(out, view, MP_HEAP_AFTER);
    fprintf(out, ",\n\"when\":\"%s\",\"by\":\"%s\",\n", mp_heap_diff_when(view),
            mp_heap_diff_names[view->diff->by]);
    put_notices(out, view);
    put_frames(out, page);
    put_rows(out, page);
    fputs("}\n", out);
}
