#include "report/heap/waste.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/saturate.h"
#include "report/heap/tabbed.h"

enum { WIDE = 62 /* columns */, SAVED = 13, LEAST_ROOM = 12, LEAST_PART = 100 };

static enum mp_waste_kind kind_of(const struct mp_heap_waste *row)
{
    return (enum mp_waste_kind)(row->kind - MP_HEAP_WASTE_FIRST);
}

static bool is_narrow(const struct mp_heap_style *style)
{
    return style->width && style->width < WIDE;
}

static int before_of(const struct mp_heap_style *style)
{
    return is_narrow(style) ? SAVED : 2 * SAVED;
}

/* For text behind so many columns. */
static int room_of(const struct mp_heap_style *style, int before)
{
    int room = style->width - before;
    return !style->width ? 0 : room < LEAST_ROOM ? LEAST_ROOM : room;
}

static void put_what(FILE *out, const struct mp_heap_view *view,
                     const struct mp_heap_style *style, const struct mp_heap_waste *row)
{
    char words[MP_WASTE_LONGEST], *what = NULL;
    size_t size;
    FILE *stream = open_memstream(&what, &size);
    if (!stream)
        return;
    mp_waste_say(words, kind_of(row), row->code);
    fwrite(view->text + row->of, 1, row->of_length, stream);
    fprintf(stream, ": %s", words);
    fclose(stream);
    mp_heap_put_text(out, style, what ? what : "", what ? size : 0,
                     room_of(style, before_of(style)), MP_HEAP_CUT_END);
    fputc('\n', out);
    free(what);
}

static void put_row(FILE *out, const struct mp_heap_view *view,
                    const struct mp_heap_style *style, const struct mp_heap_waste *row)
{
    char saved[MP_HEAP_FIGURE], count[MP_HEAP_FIGURE];
    int before = before_of(style) + 3;
    fprintf(out, "%11s", mp_heap_size((int64_t)row->saved, saved));
    if (!is_narrow(style))
        fprintf(out, " %12s", mp_heap_count(row->count, count));
    fputs("  ", out);
    put_what(out, view, style, row);
    if (row->place_length) {
        fprintf(out, "%*s", before, "at ");
        mp_heap_put_tabbed(out, style, view->text + row->place, row->place_length, before);
        fputc('\n', out);
    }
    fprintf(out, "%*s", before, "as ");
    mp_heap_put_text(out, style, view->text + row->path, row->path_length,
                     room_of(style, before), MP_HEAP_CUT_START);
    fputc('\n', out);
}

/* What is small beside the first is one row, with what has none in the file. */
static void put_rest(FILE *out, const struct mp_heap_style *style, uint64_t rows,
                     uint64_t saved, uint64_t unseen)
{
    char size[MP_HEAP_FIGURE], count[MP_HEAP_FIGURE];
    if (rows)
        fprintf(out, "%11s%*s  (%s more rows)\n", mp_heap_size((int64_t)saved, size),
                before_of(style) - SAVED, "", mp_heap_count(rows, count));
    if (unseen)
        fprintf(out, "%s of texts and arrays were%snot looked at: there are too many\n",
                mp_heap_size((int64_t)unseen, size), is_narrow(style) ? "\n" : " ");
}

void mp_heap_waste_text(FILE *out, const struct mp_heap_view *view,
                        const struct mp_heap_style *style)
{
    size_t count = view->counts[MP_HEAP_WASTE];
    const struct mp_heap_waste *all = view->waste;
    if (!count || all->kind != MP_HEAP_WASTE_ALL)
        return;
    uint64_t most = 0, rows = all->code, saved = all->saved;
    bool narrow = is_narrow(style);
    fprintf(out, "\nWhat objects would not need%s(what is in two rows is in both)\n",
            narrow ? "\n" : " ");
    fprintf(out, narrow ? "%11s  what\n" : "%11s %12s  what\n", "saved", "objects");
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
    put_rest(out, style, rows, saved, all->bytes);
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
