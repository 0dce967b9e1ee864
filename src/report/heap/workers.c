#include "report/heap/workers.h"

#include <inttypes.h>
#include <string.h>

#include "report/heap/groups.h"

enum { INDENT = 26 };

static void put_row(FILE *out, const struct mp_heap_killed_row *row, bool hosts,
                    const struct mp_heap_style *style)
{
    const struct mp_heap_process *process = row->process;
    const struct mp_engine_look *look = &process->engine.looks[MP_ENGINE_MOST];
    const int64_t columns[] = {look->rss,  look->managed, mp_engine_unmanaged(look),
                               look->heap, look->spilled, process->engine.limit};
    char figure[MP_HEAP_FIGURE], words[MP_HEAP_IDENTITY];
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        fprintf(out, "%s%11s", i ? " " : "",
                i == 5 && !columns[i] ? "-" : mp_heap_size(columns[i], figure));
    mp_heap_identity_words(process, hosts, words);
    fputs("  ", out);
    mp_heap_put_text(out, style, words, strlen(words), 0, MP_HEAP_CUT_END);
    fprintf(out, "%sprocess %" PRId64 "%s\n", *words ? ", " : "", process->pid,
            process->gone ? ", killed" : "");
    if (row->count)
        fprintf(out, "%*sat the heap's peak ", INDENT, "");
    for (size_t i = 0; i < row->count; i++) {
        fputs(i ? "; " : "", out);
        mp_heap_put_held(out, row, &row->held[i], *style);
    }
    fputs(row->count ? "\n" : "", out);
}

void mp_heap_put_workers(FILE *out, const struct mp_heap_killed *workers,
                         const struct mp_heap_style *style)
{
    if (!workers->count)
        return;
    fprintf(out, "\n%11s %11s %11s %11s %11s %11s  when their RSS was the most\n", "RSS",
            "managed", "unmanaged", "heap", "spilled", "limit");
    for (size_t i = 0; i < workers->count; i++)
        put_row(out, &workers->rows[i], workers->hosts, style);
    if (workers->more)
        fprintf(out, "and %zu more with less that is not managed\n", workers->more);
}
