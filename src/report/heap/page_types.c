#include "report/heap/page_types.h"

#include <inttypes.h>

#include "base/escape.h"

enum { MOST = 300, MOST_THEN = 100 }; /* rows of the last count, and of each before */

static void put_figures(FILE *out, const struct mp_heap_type_row *row)
{
    fprintf(out, "%" PRId64 ",%" PRId64 ",%" PRId64 "]", row->blocks, row->bytes,
            row->kept);
}

/* All that there are: types have numbers of the capture. */
static void put_names(FILE *out, const struct mp_heap_typing *typing)
{
    fputs("\"types\":[", out);
    for (size_t i = 0; i < typing->type_count; i++) {
        struct mp_heap_text name = typing->types[i].name;
        fputs(i ? "," : "", out);
        mp_escape_json(out, typing->text + name.offset, name.length);
    }
    fputs("],\n", out);
}

/* The moments of the page that it is of, and where it is that the peak and the end. */
static void put_when(FILE *out, const struct mp_heap_page *page, int census)
{
    const char *before = "";
    fputs("{\"at\":[", out);
    for (size_t i = 0; i < page->known; i++) {
        enum mp_heap_when when = page->instants[i].when;
        if (page->censuses->at[i] != census)
            continue;
        if (when == MP_HEAP_WHEN_PEAK || when == MP_HEAP_WHEN_END)
            fprintf(out, "%s\"%s\"", before, when == MP_HEAP_WHEN_PEAK ? "peak" : "end");
        else
            fprintf(out, "%s%zu", before, i);
        before = ",";
    }
    fputs("],", out);
}

static void put_census(FILE *out, const struct mp_heap_page *page, size_t census)
{
    const struct mp_heap_counted *counted = &page->censuses->counted[census];
    const struct mp_heap_type_rows *rows = &counted->rows;
    const struct mp_heap_census *then = counted->typing.then;
    size_t most = then ? MOST_THEN : MOST, shown = rows->count < most ? rows->count : most;
    struct mp_heap_type_row more = {0};
    put_when(out, page, (int)census);
    if (then)
        fprintf(out, "\"time\":%.6f,\"live\":%" PRId64 ",", (double)then->time / 1e9,
                then->live);
    fputs("\"rows\":[", out);
    for (size_t i = 0; i < shown; i++) {
        fprintf(out, "%s[%u,", i ? "," : "", rows->rows[i].type);
        put_figures(out, &rows->rows[i]);
    }
    for (size_t i = shown; i < rows->count; i++)
        mp_heap_type_row_add(&more, &rows->rows[i]);
    fprintf(out, "],\"more\":[%zu,", rows->count - shown);
    put_figures(out, &more);
    fputc('}', out);
}

void mp_heap_page_types(FILE *out, const struct mp_heap_page *page)
{
    const struct mp_heap_censuses *censuses = page->censuses;
    const struct mp_heap_typing none = {0};
    put_names(out, censuses->count ? &censuses->counted[0].typing : &none);
    fputs("\"censuses\":[", out);
    for (size_t i = 0; i < censuses->count; i++) {
        fputs(i ? ",\n" : "\n", out);
        put_census(out, page, i);
    }
    fputs("],\n", out);
}

void mp_heap_page_typed(FILE *out, const struct mp_heap_page *page, size_t graph)
{
    const struct mp_flame_types *types = page->typed[graph];
    fputs(",\n\"typed\":[", out);
    for (size_t i = 0; types && i < types->count; i++) {
        const struct mp_flame_typed *typed = &types->typed[i];
        if (!i || typed[-1].census != typed->census || typed[-1].type != typed->type)
            fprintf(out, "%s[%u,%u", i ? "],\n" : "\n", typed->census, typed->type);
        fprintf(out, ",%u,%" PRId64, typed->frame, typed->bytes);
    }
    fputs(types && types->count ? "]]" : "]", out);
}
