/* What keeps growing, as JSON. docs/heap-views.md has the schema. */
#include <inttypes.h>

#include "base/escape.h"
#include "report/heap/json.h"
#include "report/heap/leaks.h"
#include "report/heap/types_beneath.h"

static const char *kind_of(const struct mp_heap_leak *leak)
{
    static const char *const kinds[] = {"none", "stayed", "grows"};
    return leak->is_import ? "import" : kinds[leak->trend.kind];
}

static void put_leak(FILE *out, const struct mp_heap_leaks_view *view,
                     const struct mp_heap_leak *leak)
{
    const struct mp_heap_trend *trend = &leak->trend;
    fprintf(out, "{\"kind\": \"%s\", ", kind_of(leak));
    mp_heap_json_place(out, view->view, leak->code, leak->line);
    fprintf(out, ", \"yours\": %s, \"inner\": {", leak->is_users ? "true" : "false");
    mp_heap_json_place(out, view->view, view->view->nodes[leak->inner].code,
                       view->lines[leak->inner]);
    fprintf(
        out,
        "}, \"growth\": %" PRId64 ", \"blocks\": %" PRId64
        ", \"per_hour\": %.0f, \"per_hour_error\": %.0f, \"rises\": %zu, \"steps\": %zu",
        trend->growth, leak->blocks, trend->slope, trend->error, trend->rises,
        trend->steps);
    fprintf(out,
            ", \"first\": %" PRId64 ", \"last\": %" PRId64 ", \"live\": %" PRId64
            ", \"total\": %" PRIu64 ", \"older\": %" PRId64 ", \"freed_at_end\": %s",
            leak->first, leak->last, leak->live, leak->total, leak->older,
            leak->freed_at_end ? "true" : "false");
    mp_heap_types_beneath_json(out, view->types, (uint32_t)(leak - view->leaks->leaks) + 1);
    fputc('}', out);
}

void mp_heap_leaks_json(FILE *out, const struct mp_heap_leaks_view *view)
{
    static const char *const verdicts[] = {"none", "leaks", "cannot tell", "cannot tell"};
    const struct mp_heap_leaks *leaks = view->leaks;
    struct mp_heap_json_options how = {.name = view->name, .incomplete = view->incomplete};
    mp_heap_json_begin(out, "heap-leaks/1", view->view->header, &how);
    fprintf(out,
            "  \"verdict\": \"%s\", \"from\": %" PRId64 ", \"to\": %" PRId64
            ", \"moments\": %zu,\n  \"live_at_first\": %" PRId64
            ", \"live_at_last\": %" PRId64 ",\n  \"growing\": %" PRId64
            ", \"elsewhere\": %" PRId64 ", \"least\": %" PRId64 ", \"over\": %s",
            verdicts[mp_heap_verdict_of(leaks)], leaks->from, leaks->to, leaks->points - 1,
            leaks->live_at_first, leaks->live_at_last, mp_heap_leaks_growth(leaks),
            leaks->rest, leaks->least, mp_heap_leaks_are_over(view) ? "true" : "false");
    mp_heap_types_beneath_json(out, view->growing, 1);
    fputs(",\n  \"leaks\": [", out);
    for (size_t i = 0; i < leaks->count; i++) {
        fputs(i ? ",\n    " : "\n    ", out);
        put_leak(out, view, &leaks->leaks[i]);
    }
    fputs("]\n}\n", out);
}
