#include "report/heap/page_moments.h"

#include <inttypes.h>
#include <string.h>

#include "base/escape.h"

static const char *const kinds[] = {[MP_HEAP_WHEN_START] = "start",
                                    [MP_HEAP_WHEN_MOMENT] = "moment",
                                    [MP_HEAP_WHEN_MARK] = "mark",
                                    [MP_HEAP_WHEN_PEAK] = "peak",
                                    [MP_HEAP_WHEN_END] = "end"};

void mp_heap_page_moments(FILE *out, const struct mp_heap_page *page)
{
    fputs("\"moments\":[", out);
    for (size_t i = 0; i < page->instant_count; i++) {
        const struct mp_heap_instant *instant = &page->instants[i];
        fprintf(out, "%s[%.6f,%" PRId64 ",\"%s\"", i ? "," : "",
                (double)instant->time / 1e9, instant->live, kinds[instant->when]);
        if (instant->when == MP_HEAP_WHEN_MARK) {
            fputc(',', out);
            mp_escape_json(out, instant->name, strlen(instant->name));
        }
        fputc(']', out);
    }
    fprintf(out, "],\n\"chosen\":[%d,%d],\n", page->from, page->to);
}

void mp_heap_page_held(FILE *out, const struct mp_heap_page *page, size_t graph)
{
    const struct mp_flame_moments *moments = page->moments[graph];
    fputs(",\n\"held\":[", out);
    for (size_t i = 0; moments && i < moments->count; i++) {
        const struct mp_flame_held *held = &moments->held[i];
        bool is_first = !i || moments->held[i - 1].frame != held->frame;
        if (is_first)
            fprintf(out, "%s[%u", i ? "],\n" : "\n", held->frame);
        fprintf(out, ",%u,%" PRId64, held->instant, held->bytes);
    }
    fputs(moments && moments->count ? "]],\"rest\":[" : "],\"rest\":[", out);
    for (size_t i = 0; moments && i < page->instant_count; i++)
        fprintf(out, "%s%" PRId64, i ? "," : "", moments->rest[i]);
    fputc(']', out);
}
