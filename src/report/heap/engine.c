#include "report/heap/engine.h"

#include <inttypes.h>

#include "report/heap/parts.h"

void mp_heap_put_last_look(FILE *out, const struct mp_heap_engine *engine)
{
    const struct mp_engine_look *look = &engine->looks[MP_ENGINE_LAST];
    char rss[MP_HEAP_FIGURE], managed[MP_HEAP_FIGURE], limit[MP_HEAP_FIGURE];
    if (!look->time)
        return;
    fprintf(out, ", RSS %s when last looked at, of it %s managed",
            mp_heap_size(look->rss, rss), mp_heap_size(look->managed, managed));
    if (engine->limit)
        fprintf(out, ", limit %s", mp_heap_size(engine->limit, limit));
}

static void put_look(FILE *out, const char *name, const struct mp_engine_look *look)
{
    fprintf(out,
            "\"%s\": {\"time\": %" PRId64 ", \"rss\": %" PRId64 ", \"managed\": %" PRId64
            ", \"unmanaged\": %" PRId64 ", \"spilled\": %" PRId64 ", \"heap\": %" PRId64
            "}",
            name, look->time, look->rss, look->managed, mp_engine_unmanaged(look),
            look->spilled, look->heap);
}

void mp_heap_engine_json(FILE *out, const struct mp_heap_engine *engine)
{
    if (!engine->looks[MP_ENGINE_LAST].time) {
        fputs(", \"engine\": null", out);
        return;
    }
    fprintf(out, ", \"engine\": {\"limit\": %" PRId64 ", ", engine->limit);
    put_look(out, "most", &engine->looks[MP_ENGINE_MOST]);
    fputs(", ", out);
    put_look(out, "last", &engine->looks[MP_ENGINE_LAST]);
    fputc('}', out);
}
