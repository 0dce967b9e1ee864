#include "report/heap/waste.h"

#include <inttypes.h>

#include "base/saturate.h"
#include "report/heap/tabbed.h"

enum { BEFORE = 26, LEAST_PATH = 24, LEAST_PART = 100 };

static enum mp_waste_kind kind_of(const struct mp_heap_waste *row)
{
    return (enum mp_waste_kind)(row->kind - MP_HEAP_WASTE_FIRST);
}

static void put_row(FILE *out, const struct mp_heap_view *view,
                    const struct mp_heap_style *style, const struct mp_heap_waste *row)
{
    char saved[MP_HEAP_FIGURE], count[MP_HEAP_FIGURE], words[MP_WASTE_LONGEST];
    int columns = style->width ? style->width - BEFORE - 3 : 0;
    mp_waste_say(words, kind_of(row), row->code);
    fprintf(out, "%11s %12s  ", mp_heap_size((int64_t)row->saved, saved),
            mp_heap_count(row->count, count));
    mp_heap_put_text(out, style, view->text + row->of, row->of_length, 0,
                     MP_HEAP_CUT_START);
    fprintf(out, ": %s\n", words);
    if (row->place_length) {
        fprintf(out, "%*sat ", BEFORE, "");
        mp_heap_put_tabbed(out, style, view->text + row->place, row->place_length);
        fputc('\n', out);
    }
    fprintf(out, "%*sas ", BEFORE, "");
    mp_heap_put_text(out, style, view->text + row->path, row->path_length,
                     columns && columns < LEAST_PATH ? LEAST_PATH : columns,
                     MP_HEAP_CUT_START);
    fputc('\n', out);
}

/* What is small beside the first is one row, with what has none in the file. */
static void put_rest(FILE *out, uint64_t rows, uint64_t saved, uint64_t unseen)
{
    char size[MP_HEAP_FIGURE], count[MP_HEAP_FIGURE];
    if (rows)
        fprintf(out, "%11s %12s  (%s more rows)\n", mp_heap_size((int64_t)saved, size), "",
                mp_heap_count(rows, count));
    if (unseen)
        fprintf(out, "%s of texts and arrays were not looked at: there are too many\n",
                mp_heap_size((int64_t)unseen, size));
}

void mp_heap_waste_text(FILE *out, const struct mp_heap_view *view,
                        const struct mp_heap_style *style)
{
    size_t count = view->counts[MP_HEAP_WASTE];
    const struct mp_heap_waste *all = view->waste;
    if (!count || all->kind != MP_HEAP_WASTE_ALL)
        return;
    uint64_t most = 0, rows = all->code, saved = all->saved;
    fputs("\nWhat objects would not need (what is in two rows is in both)\n", out);
    fprintf(out, "%11s %12s  what\n", "saved", "objects");
    for (size_t i = 1; i < count; i++) {
        const struct mp_heap_waste *row = &view->waste[i];
        if (row->kind == MP_HEAP_WASTE_ALL)
            continue;
        most = row->saved > most ? row->saved : most;
        if (row->saved >= most / LEAST_PART) {
            put_row(out, view, style, row);
            continue;
        }
        rows++;
        saved = mp_sum_unsigned(saved, row->saved);
    }
    put_rest(out, rows, saved, all->bytes);
}

static void put_json_row(FILE *out, const struct mp_heap_view *view,
                         const struct mp_heap_waste *row)
{
    char words[MP_WASTE_LONGEST];
    const char *place = view->text + row->place, *type = mp_waste_type(row->code);
    const char *tab = memchr(place, '\t', row->place_length);
    mp_waste_say(words, kind_of(row), row->code);
    fprintf(out,
            "{\"kind\": \"%s\", \"objects\": %" PRIu64 ", \"bytes\": %" PRIu64
            ", \"saved\": %" PRIu64,
            mp_waste_name(kind_of(row)), row->count, row->bytes, row->saved);
    fprintf(out, type ? ", \"fits\": \"%s\"" : ", \"fits\": null", type);
    mp_heap_put_json_text(out, "what", words, strlen(words));
    mp_heap_put_json_text(out, "type", view->text + row->of, row->of_length);
    mp_heap_put_json_text(out, "line", place,
                          tab ? (size_t)(tab - place) : row->place_length);
    mp_heap_put_json_text(out, "path", view->text + row->path, row->path_length);
    fputc('}', out);
}

void mp_heap_waste_json(FILE *out, const struct mp_heap_view *view)
{
    const struct mp_heap_waste *all = view->waste;
    const char *before = "";
    if (!view->counts[MP_HEAP_WASTE] || all->kind != MP_HEAP_WASTE_ALL) {
        fputs("null", out);
        return;
    }
    fprintf(out,
            "{\"objects\": %" PRIu64 ", \"unseen\": %" PRIu64 ", \"others\": %" PRIu32
            ", \"others_saved\": %" PRIu64 ", \"rows\": [",
            all->count, all->bytes, all->code, all->saved);
    for (size_t i = 1; i < view->counts[MP_HEAP_WASTE]; i++) {
        if (view->waste[i].kind == MP_HEAP_WASTE_ALL)
            continue;
        fprintf(out, "%s\n    ", before);
        put_json_row(out, view, &view->waste[i]);
        before = ",";
    }
    fputs("]}", out);
}
