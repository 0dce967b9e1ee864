#include "report/heap/figures.h"

#include "record/heap.h"

enum { RETAINED = 11, SHARE = 8, ITSELF = 11, OBJECTS = 12, GAP = 2 };

static int columns_of(const struct mp_heap_figures *figures)
{
    return RETAINED + GAP + (figures->share ? SHARE : 0) + (figures->itself ? ITSELF : 0) +
           (figures->objects ? OBJECTS : 0);
}

static bool fits(const struct mp_heap_style *style, const struct mp_heap_figures *figures)
{
    return !style->width || style->width >= columns_of(figures) + MP_HEAP_LEAST_NAME;
}

/* What a row has itself is known least: it goes first. */
struct mp_heap_figures mp_heap_figures_fit(const struct mp_heap_style *style, bool share)
{
    struct mp_heap_figures figures = {.share = share, .objects = true, .itself = true};
    figures.least = fits(style, &figures) ? MP_HEAP_LEAST_NAME : MP_HEAP_NARROW_NAME;
    figures.itself = fits(style, &figures);
    figures.objects = fits(style, &figures);
    figures.share = share && fits(style, &figures);
    figures.columns = columns_of(&figures);
    int room = style->width - figures.columns;
    figures.room = !style->width ? 0 : room < figures.least ? figures.least : room;
    return figures;
}

void mp_heap_figures_title(FILE *out, const struct mp_heap_figures *figures,
                           const char *name)
{
    fprintf(out, "%11s", "retained");
    if (figures->share)
        fprintf(out, " %7s", "share");
    if (figures->itself)
        fprintf(out, " %10s", "itself");
    if (figures->objects)
        fprintf(out, " %11s", "objects");
    fprintf(out, "  %s\n", name);
}

void mp_heap_figures_put(FILE *out, const struct mp_heap_figures *figures,
                         uint64_t retained, uint64_t reached,
                         const struct mp_heap_holder *row)
{
    char size[MP_HEAP_FIGURE], bytes[MP_HEAP_FIGURE], count[MP_HEAP_FIGURE];
    fprintf(out, "%11s", mp_heap_size((int64_t)retained, size));
    if (figures->share)
        fprintf(out, " %6.1f%%", reached ? 100 * (double)retained / (double)reached : 0.0);
    if (figures->itself)
        fprintf(out, " %10s", row ? mp_heap_size((int64_t)row->bytes, bytes) : "");
    if (figures->objects)
        fprintf(out, " %11s", row ? mp_heap_count(row->count, count) : "");
    fputs("  ", out);
}
