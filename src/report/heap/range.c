#include "report/heap/range.h"

#include <inttypes.h>
#include <string.h>

#include "aggregate/heap/moments.h"
#include "base/escape.h"

static void put_instant(FILE *out, const struct mp_heap_instant *instant)
{
    double seconds = (double)instant->time / 1e9;
    if (instant->when == MP_HEAP_WHEN_START && !instant->time) {
        fputs("the start", out);
    } else if (*instant->name) {
        fputs("the mark ", out);
        mp_escape_terminal(out, instant->name, strlen(instant->name), false);
        fprintf(out, " (%.3f s)", seconds);
    } else if (instant->when == MP_HEAP_WHEN_PEAK || instant->when == MP_HEAP_WHEN_END) {
        fprintf(out, "the %s (%.3f s)", instant->when == MP_HEAP_WHEN_PEAK ? "peak" : "end",
                seconds);
    } else {
        fprintf(out, "%.3f s", seconds);
    }
}

static void put_range(FILE *out, const struct mp_heap_range *range)
{
    fputs(range->is_at ? "at " : "from ", out);
    put_instant(out, range->is_at ? &range->to : &range->from);
    if (range->is_at)
        return;
    fputs(" to ", out);
    put_instant(out, &range->to);
}

const char *mp_heap_range_title(const struct mp_heap_view *view, const char *before,
                                char room[MP_HEAP_RANGE_WORDS])
{
    FILE *out = fmemopen(room, MP_HEAP_RANGE_WORDS, "w");
    *room = 0;
    if (!out)
        return room;
    fputs(before, out);
    if (view->range)
        put_range(out, view->range);
    else
        fputs(view->processes ? "at the peaks, each process at its own" : "at the peak",
              out);
    fclose(out);
    room[MP_HEAP_RANGE_WORDS - 1] = 0;
    return room;
}

const char *mp_heap_range_words(const struct mp_heap_view *view,
                                char room[MP_HEAP_RANGE_WORDS])
{
    return mp_heap_range_title(view, "", room);
}

static void put_json(FILE *out, const struct mp_heap_instant *instant)
{
    static const char *const names[] = {[MP_HEAP_WHEN_START] = "start",
                                        [MP_HEAP_WHEN_MOMENT] = "moment",
                                        [MP_HEAP_WHEN_MARK] = "mark",
                                        [MP_HEAP_WHEN_PEAK] = "peak",
                                        [MP_HEAP_WHEN_END] = "end"};
    fprintf(out,
            "{\"kind\": \"%s\", \"time\": %" PRId64 ", \"live\": %" PRId64 ", \"name\": ",
            names[instant->when], instant->time, instant->live);
    mp_escape_json(out, instant->name, strlen(instant->name));
    fputc('}', out);
}

static void put_all(FILE *out, const char *key, const struct mp_heap_instant *instants,
                    size_t count, enum mp_heap_when when)
{
    const char *comma = "";
    fprintf(out, "  \"%s\": [", key);
    for (size_t i = 0; i < count; i++) {
        if (instants[i].when != when)
            continue;
        fprintf(out, "%s\n    ", comma);
        put_json(out, &instants[i]);
        comma = ",";
    }
    fputs("],\n", out);
}

void mp_heap_range_json(FILE *out, const struct mp_heap_view *view,
                        const struct mp_heap_instant *instants, size_t count)
{
    struct mp_heap_instant own[MP_HEAP_INSTANTS];
    if (!instants) {
        count = mp_heap_instants(view, own);
        instants = own;
    }
    const struct mp_heap_range *range = view->range;
    fputs("  \"range\": ", out);
    if (range) {
        fputs("{\"from\": ", out);
        if (range->is_at)
            fputs("null", out);
        else
            put_json(out, &range->from);
        fputs(", \"to\": ", out);
        put_json(out, &range->to);
        fputc('}', out);
    } else {
        fputs("null", out);
    }
    fputs(",\n", out);
    put_all(out, "moments", instants, count, MP_HEAP_WHEN_MOMENT);
    put_all(out, "marks", instants, count, MP_HEAP_WHEN_MARK);
}
