#include "report/heap_balance.h"

#include <inttypes.h>

#include "aggregate/heap_balance.h"
#include "report/heap_parts.h"

enum { COLUMNS = 2 };

static const struct {
    const char *label, *key;
} parts[MP_HEAP_PARTS] = {
    [MP_HEAP_PART_LIVE] = {"live blocks", "live"},
    [MP_HEAP_PART_POOLS] = {"free, kept by pymalloc", "pymalloc_free"},
    [MP_HEAP_PART_FREE] = {"free, kept by malloc", "malloc_free"},
    [MP_HEAP_PART_OTHER] = {"blocks not followed, and headers", "other_blocks"},
    [MP_HEAP_PART_LIBRARIES] = {"data of libraries", "libraries"},
    [MP_HEAP_PART_FILES] = {"pages of files", "files"},
    [MP_HEAP_PART_STACKS] = {"stacks", "stacks"},
    [MP_HEAP_PART_OWN] = {"memory_profiler itself", "memory_profiler"},
    [MP_HEAP_PART_REMAINDER] = {"remainder", "remainder"},
};

static void put_figure(FILE *out, const struct mp_heap_sheet *sheet, bool known,
                       int64_t bytes)
{
    char size[MP_HEAP_FIGURE], with_sign[MP_HEAP_FIGURE + 1];
    if (!known || !sheet->rss) {
        fprintf(out, "%12s %7s", "-", "");
        return;
    }
    mp_heap_size(bytes < 0 ? -bytes : bytes, size);
    snprintf(with_sign, sizeof with_sign, "%s%s", bytes < 0 ? "-" : "", size);
    fprintf(out, "%12s %6.1f%%", with_sign, 100.0 * (double)bytes / (double)sheet->rss);
}

static void put_row(FILE *out, const struct mp_heap_sheet sheets[COLUMNS],
                    enum mp_heap_part part)
{
    for (int i = 0; i < COLUMNS; i++)
        put_figure(out, &sheets[i], sheets[i].known[part], sheets[i].parts[part]);
    fprintf(out, "  %s\n", parts[part].label);
}

static void put_sums(FILE *out, const struct mp_heap_sheet sheets[COLUMNS])
{
    for (int i = 0; i < COLUMNS; i++)
        put_figure(out, &sheets[i], true, sheets[i].rss);
    fputs("  RSS\n", out);
    if (!sheets[0].absent && !sheets[1].absent)
        return;
    for (int i = 0; i < COLUMNS; i++) {
        char size[MP_HEAP_FIGURE];
        fprintf(out, "%12s %7s", sheets[i].rss ? mp_heap_size(sheets[i].absent, size) : "-",
                "");
    }
    fputs("  live, but not resident\n", out);
}

/* Of blocks that were sampled; what is taken off them is off by as much. */
static void put_errors(FILE *out, const struct mp_heap_header *header,
                       const struct mp_heap_sheet sheets[COLUMNS])
{
    char size[MP_HEAP_FIGURE], error[MP_HEAP_FIGURE + 2];
    for (int i = 0; i < COLUMNS && header->sample; i++) {
        snprintf(error, sizeof error, "+-%s",
                 mp_heap_size(mp_heap_error(header, sheets[i].heap), size));
        fprintf(out, "%12s %7s", sheets[i].rss ? error : "-", "");
    }
    if (header->sample)
        fputs("  standard error of live blocks\n", out);
}

static void put_moment(FILE *out, const struct mp_heap_sheet *sheet, int64_t peak)
{
    char size[MP_HEAP_FIGURE];
    if (!sheet->rss || peak - sheet->heap <= peak / 1000)
        return;
    fprintf(out, "at the peak: read at %.3f s, heap %s (%.1f%% of the peak)\n",
            (double)sheet->time / 1e9, mp_heap_size(sheet->heap, size),
            100.0 * (double)sheet->heap / (double)peak);
}

void mp_heap_put_balance(FILE *out, const struct mp_heap_view *view)
{
    struct mp_heap_sheet sheets[COLUMNS] = {mp_heap_sheet(view, MP_HEAP_NEAR_PEAK),
                                            mp_heap_sheet(view, MP_HEAP_AT_END)};
    if (!sheets[0].rss && !sheets[1].rss)
        return;
    fprintf(out, "\nWhere the RSS is\n%12s %7s%12s %7s\n", "at the peak", "share",
            "at the end", "share");
    for (int part = 0; part < MP_HEAP_PARTS; part++)
        put_row(out, sheets, (enum mp_heap_part)part);
    put_sums(out, sheets);
    put_errors(out, view->header, sheets);
    put_moment(out, &sheets[0], view->header->peak);
}

static void put_sheet(FILE *out, const char *key, const struct mp_heap_sheet *sheet)
{
    fprintf(out, "\n    \"%s\": ", key);
    if (!sheet->rss) {
        fputs("null", out);
        return;
    }
    fprintf(out,
            "{\"time\": %" PRId64 ", \"heap\": %" PRId64 ", \"not_resident\": %" PRId64
            ", \"rss\": %" PRId64 ",\n     ",
            sheet->time, sheet->heap, sheet->absent, sheet->rss);
    for (int part = 0; part < MP_HEAP_PARTS; part++) {
        fprintf(out, "%s\"%s\": ", part ? ", " : "", parts[part].key);
        if (sheet->known[part])
            fprintf(out, "%" PRId64, sheet->parts[part]);
        else
            fputs("null", out);
    }
    fputc('}', out);
}

void mp_heap_balance_json(FILE *out, const struct mp_heap_view *view)
{
    static const char *const moments[MP_HEAP_MOMENTS] = {"at_start", "at_peak", "at_end"};
    fputs("  \"balance\": {", out);
    for (int moment = 0; moment < MP_HEAP_MOMENTS; moment++) {
        struct mp_heap_sheet sheet = mp_heap_sheet(view, (enum mp_heap_moment)moment);
        fputs(moment ? "," : "", out);
        put_sheet(out, moments[moment], &sheet);
    }
    fputs("},\n", out);
}
