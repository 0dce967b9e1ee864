/* One row for each thread: what it allocated and freed. What it holds cannot be told: blocks are
 * freed by other threads than allocated them. */
#include <inttypes.h>
#include <string.h>

#include "base/escape.h"
#include "report/heap/summary.h"
#include "report/heap/table.h"

static void put_text(FILE *out, const struct mp_heap_header *header,
                     const struct mp_heap_thread *thread)
{
    char allocated[MP_HEAP_FIGURE], freed[MP_HEAP_FIGURE], blocks[MP_HEAP_FIGURE],
        frees[MP_HEAP_FIGURE], temporary[MP_HEAP_FIGURE];
    fprintf(out, "%11s %11s %14s %14s %14s  ",
            mp_heap_tight_estimate(header, (int64_t)thread->allocated, allocated),
            mp_heap_tight_estimate(header, (int64_t)thread->freed, freed),
            mp_heap_count(thread->blocks, blocks), mp_heap_count(thread->frees, frees),
            mp_heap_count(thread->temporary, temporary));
    if (thread->id)
        fprintf(out, "%" PRId64 "\n", thread->id);
    else
        fputs("(further threads)\n", out);
}

static void put_csv(FILE *out, const struct mp_heap_thread *thread)
{
    fprintf(out,
            "%" PRId64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n",
            thread->id, thread->allocated, thread->freed, thread->blocks, thread->frees,
            thread->temporary);
}

static void put_json(FILE *out, const struct mp_heap_thread *thread)
{
    fprintf(out,
            "\n    {\"thread\": %" PRId64 ", \"allocated\": %" PRIu64
            ", \"freed\": %" PRIu64 ", \"allocations\": %" PRIu64 ", \"frees\": %" PRIu64
            ", \"temporary\": %" PRIu64 "}",
            thread->id, thread->allocated, thread->freed, thread->blocks, thread->frees,
            thread->temporary);
}

static void put_head(FILE *out, const struct mp_heap_header *header,
                     const struct mp_heap_table_options *options)
{
    if (options->form == MP_HEAP_TABLE_TEXT)
        fprintf(out, "%11s %11s %14s %14s %14s  %s\n", "allocated", "freed", "allocations",
                "frees", "temporary", "thread");
    else if (options->form == MP_HEAP_TABLE_CSV)
        fputs("thread,allocated,freed,allocations,frees,temporary\n", out);
    else
        mp_heap_table_begin_json(out, header, "thread", options);
}

static void put_row(FILE *out, const struct mp_heap_header *header,
                    const struct mp_heap_thread *thread, enum mp_heap_table_form form)
{
    if (form == MP_HEAP_TABLE_TEXT)
        put_text(out, header, thread);
    else if (form == MP_HEAP_TABLE_CSV)
        put_csv(out, thread);
    else
        put_json(out, thread);
}

void mp_heap_table_threads(FILE *out, const struct mp_heap_view *view,
                           const size_t *threads, size_t count,
                           const struct mp_heap_table_options *options)
{
    size_t shown = count < options->most ? count : options->most;
    put_head(out, view->header, options);
    for (size_t i = 0; i < shown; i++) {
        if (i && options->form == MP_HEAP_TABLE_JSON)
            fputc(',', out);
        put_row(out, view->header, &view->threads[threads[i]], options->form);
    }
    if (options->form == MP_HEAP_TABLE_JSON)
        fprintf(out, "],\n  \"more\": {\"rows\": %zu}\n}\n", count - shown);
    if (options->form != MP_HEAP_TABLE_TEXT)
        return;
    if (shown < count)
        fprintf(out, "%*s(%zu more)\n", 70, "", count - shown);
    mp_heap_put_missing(out, view->header, options->incomplete);
}
