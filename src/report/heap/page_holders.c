#include "report/heap/page_holders.h"

#include <inttypes.h>

#include "base/escape.h"

static void put_holder(FILE *out, const char *text, const struct mp_heap_holder *row)
{
    static const char *const kinds[MP_HEAP_HOLDER_KINDS] = {
        [MP_HEAP_HOLDER_LARGEST] = "largest",
        [MP_HEAP_HOLDER_TYPE] = "type",
        [MP_HEAP_HOLDER_LINE] = "line",
        [MP_HEAP_HOLDER_OWNER] = "owner"};
    fprintf(out, "[\"%s\",", kinds[row->kind]);
    mp_escape_json(out, text + row->of, row->of_length);
    fputc(',', out);
    mp_escape_json(out, text + row->path, row->path_length);
    fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu32 "]", row->count,
            row->bytes, row->retained, row->others);
}

static void put_all(FILE *out, const struct mp_heap_holder *all)
{
    fprintf(out,
            "\"objects\":%" PRIu64 ",\"references\":%" PRIu64 ",\"reached\":%" PRIu64
            ",\"rows\":[",
            all->count, all->bytes, all->retained);
}

void mp_heap_page_holders(FILE *out, const struct mp_heap_page *page)
{
    const struct mp_heap_view *view = page->rows->view;
    const struct mp_heap_holder *all = view->holders;
    size_t count = view->counts[MP_HEAP_HOLDERS];
    const char *before = "\n";
    if (!count || all->kind != MP_HEAP_HOLDER_ALL) {
        fputs("\"holders\":null,\n", out);
        return;
    }
    fputs("\"holders\":{", out);
    put_all(out, all);
    for (size_t i = 1; i < count; i++) {
        if (all[i].kind <= MP_HEAP_HOLDER_BROKEN || all[i].kind == MP_HEAP_HOLDER_NO_MEMORY)
            continue;
        fputs(before, out);
        put_holder(out, view->text, &all[i]);
        before = ",\n";
    }
    fputs("]},\n", out);
}

static void put_keeper(FILE *out, const struct mp_heap_page *page, size_t number)
{
    const struct mp_heap_process *process = &page->each->processes[number];
    const struct mp_heap_owners_kept *owners = &process->owners;
    size_t member = page->member_of[number];
    fprintf(out, "{\"member\":%zu,\"name\":\"", member);
    if (page->processes->processes[member].members > 1)
        fprintf(out, "process %" PRId64, process->pid);
    fputs("\",", out);
    put_all(out, &owners->all);
    for (size_t i = 0; i < owners->count; i++) {
        fputs(i ? ",\n" : "\n", out);
        put_holder(out, owners->text, &owners->rows[i]);
    }
    fputs("]}", out);
}

void mp_heap_page_keepers(FILE *out, const struct mp_heap_page *page)
{
    const char *before = "\n";
    fputs("\"keepers\":[", out);
    for (size_t i = 0; page->each && i < page->each->count; i++) {
        if (!page->each->processes[i].owners.known)
            continue;
        fputs(before, out);
        put_keeper(out, page, i);
        before = ",\n";
    }
    fputs("],\n", out);
}
