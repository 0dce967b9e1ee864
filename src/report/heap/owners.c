#include "report/heap/owners.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/heap/owners.h"
#include "base/saturate.h"
#include "report/heap/figures.h"
#include "report/heap/tabbed.h"

enum { STEP = 2, LEAST_PART = 100 };

struct shown {
    const struct mp_heap_view *view;
    const struct mp_heap_style *style;
    struct mp_heap_figures figures;
    struct mp_heap_owners owners;
};

/* How far in a row stands: not so far that there is no room for its name. */
static int indent_of(const struct mp_heap_figures *figures, int depth)
{
    int room = (figures->room - figures->least) / STEP;
    int most = room > 1 ? room : 1;
    return STEP * (figures->room && depth > most ? most : depth);
}

/* How much of a way leads to the one above: "app.cache" of "app.cache._data", not of "app.caches". */
static uint32_t shared(const char *text, const struct mp_heap_holder *row,
                       const struct mp_heap_holder *above)
{
    const char *path = text + row->path;
    if (!above || row->path_length <= above->path_length ||
        memcmp(path, text + above->path, above->path_length) != 0)
        return 0;
    return strchr(".[ (", path[above->path_length]) ? above->path_length : 0;
}

static bool ends_in(const char *text, uint32_t length, const char *word, uint32_t size)
{
    return length >= size && !memcmp(text + length - size, word, size);
}

/* A module is its dict. */
static bool says_type(const char *text, const struct mp_heap_holder *row,
                      const struct mp_heap_holder *above)
{
    const char *of = text + row->of;
    bool is_module = !above && row->of_length == 4 && !memcmp(of, "dict", 4);
    return is_module || ends_in(text + row->path, row->path_length, of, row->of_length);
}

/* "as ['user:...']: Row" of several. */
static void put_name(FILE *out, const struct shown *shown, const struct mp_heap_holder *row,
                     const struct mp_heap_holder *above, int columns)
{
    const char *text = shown->view->text;
    char *name = NULL;
    size_t size;
    bool several = row->count > 1;
    uint32_t skipped = shared(text, row, above);
    FILE *stream = open_memstream(&name, &size);
    if (!stream)
        return;
    skipped += skipped && text[row->path + skipped] == ' ';
    fputs(several ? "as " : "", stream);
    fwrite(text + row->path + skipped, 1, row->path_length - skipped, stream);
    if (several || !says_type(text, row, above)) {
        fputs(": ", stream);
        fwrite(text + row->of, 1, row->of_length, stream);
    }
    fclose(stream);
    mp_heap_put_text(out, shown->style, name ? name : "", name ? size : 0, columns,
                     MP_HEAP_CUT_START);
    free(name);
}

static int columns_at(const struct mp_heap_figures *figures, int indent)
{
    return figures->room ? figures->room - indent : 0;
}

/* Those below one, by its position from 1 on; 0: below none that is shown. Returns what they retain. */
static uint64_t put_below(FILE *out, const struct shown *shown, size_t above, int depth)
{
    const struct mp_heap_owned *owned = shown->owners.owned;
    int indent = indent_of(&shown->figures, depth);
    uint64_t retained = 0;
    for (size_t i = 0; i < shown->owners.count; i++) {
        const struct mp_heap_holder *row = owned[i].row;
        if (owned[i].above != above)
            continue;
        mp_heap_figures_put(out, &shown->figures, row->retained,
                            shown->owners.all->retained, row);
        fprintf(out, "%*s", indent, "");
        put_name(out, shown, row, above ? owned[above - 1].row : NULL,
                 columns_at(&shown->figures, indent));
        fputc('\n', out);
        put_below(out, shown, i + 1, depth + 1);
        retained = mp_sum_unsigned(retained, row->retained);
    }
    return retained;
}

void mp_heap_owners_text(FILE *out, const struct mp_heap_view *view,
                         const struct mp_heap_style *style, size_t most)
{
    struct shown shown = {
        .view = view, .style = style, .figures = mp_heap_figures_fit(style, true)};
    mp_heap_owners_choose(&shown.owners, view, most, LEAST_PART);
    if (!shown.owners.count)
        return;
    fputs("\nWho keeps what alone\n", out);
    mp_heap_figures_title(out, &shown.figures, "kept by");
    uint64_t told = put_below(out, &shown, 0, 0), reached = shown.owners.all->retained;
    if (told >= reached)
        return;
    mp_heap_figures_put(out, &shown.figures, reached - told, reached, NULL);
    fputs("(what retains less)\n", out);
}

void mp_heap_owners_json(FILE *out, const struct mp_heap_view *view)
{
    const char *before = "";
    fputc('[', out);
    for (size_t i = 0; i < view->counts[MP_HEAP_HOLDERS]; i++) {
        const struct mp_heap_holder *row = &view->holders[i];
        if (row->kind != MP_HEAP_HOLDER_OWNER)
            continue;
        fprintf(out,
                row->others ? "%s\n    {\"parent\": %" PRIu32 : "%s\n    {\"parent\": null",
                before, row->others - 1);
        fprintf(out,
                ", \"objects\": %" PRIu64 ", \"bytes\": %" PRIu64
                ", \"retained\": %" PRIu64,
                row->count, row->bytes, row->retained);
        mp_heap_put_json_text(out, "of", view->text + row->of, row->of_length);
        mp_heap_put_json_text(out, "path", view->text + row->path, row->path_length);
        fputc('}', out);
        before = ",";
    }
    fputc(']', out);
}
