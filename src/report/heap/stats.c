#include "report/heap/stats.h"

#include <inttypes.h>

#include "report/heap/range.h"
#include "report/heap/summary.h"

enum { BAR = 20, LEAST_PLACE = 24, FIGURES = 44 };

static const char *const kinds[MP_HEAP_KINDS] = {"Python", "malloc", "mmap", "mmap (pool)"};

static double share(uint64_t part, uint64_t whole)
{
    return whole ? 100 * (double)part / (double)whole : 0;
}

static int64_t signed_size(uint64_t bytes)
{
    return bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes;
}

static void put_count(FILE *out, const char *name, uint64_t blocks, const char *behind)
{
    char number[MP_HEAP_FIGURE];
    fprintf(out, "  %-10s%14s  %s\n", name, mp_heap_count(blocks, number), behind);
}

/* Whether it is what was live at a moment that is counted, not what was ever allocated. */
static bool is_at(const struct mp_heap_stats *stats)
{
    return mp_heap_is_at(stats->view);
}

static void put_live(FILE *out, const struct mp_heap_stats *stats)
{
    char size[MP_HEAP_FIGURE], when[MP_HEAP_RANGE_WORDS];
    char text[MP_HEAP_FIGURE + MP_HEAP_RANGE_WORDS];
    int64_t bytes = stats->view->header->peak;
    uint64_t blocks = mp_heap_totals(stats->view).peak_blocks;
    snprintf(text, sizeof text, "of %s, %s", mp_heap_size(bytes, size),
             mp_heap_range_words(stats->view, when));
    fputs("Blocks\n", out);
    put_count(out, "live", blocks, text);
    put_count(out, "stacks", stats->sizes->stacks, "that held some");
    if (blocks && bytes > 0)
        fprintf(out, "  %-10s%14s  of a block\n", "mean",
                mp_heap_size(bytes / (int64_t)blocks, size));
}

static void put_counts(FILE *out, const struct mp_heap_stats *stats)
{
    struct mp_heap_totals totals = mp_heap_totals(stats->view);
    char size[MP_HEAP_FIGURE], mean[MP_HEAP_FIGURE], text[3 * MP_HEAP_FIGURE];
    fputs("Blocks\n", out);
    snprintf(text, sizeof text, "of %s", mp_heap_size(signed_size(totals.total), size));
    put_count(out, "allocated", totals.blocks, text);
    snprintf(text, sizeof text, "%.1f%% of them", share(totals.frees, totals.blocks));
    put_count(out, "freed", totals.frees, text);
    snprintf(text, sizeof text, "%.1f%%, before their thread allocated again",
             share(totals.temporary, totals.blocks));
    put_count(out, "temporary", totals.temporary, text);
    put_count(out, "peak", totals.peak_blocks, "at once, at the peak");
    put_count(out, "live", totals.live_blocks, "at the end");
    put_count(out, "stacks", stats->sizes->stacks, "that allocated");
    if (totals.blocks)
        fprintf(out, "  %-10s%14s  of a block\n", "mean",
                mp_heap_size(signed_size(totals.total / totals.blocks), mean));
}

/* "17 to 32 B" */
static void put_class(FILE *out, int class)
{
    char from[MP_HEAP_FIGURE], to[MP_HEAP_FIGURE];
    int64_t most = class < 63 ? INT64_C(1) << class : INT64_MAX;
    if (class < 1)
        fprintf(out, "  %9s to %-9s", "0 B", "1 B");
    else
        fprintf(out, "  %9s to %-9s", mp_heap_size(most / 2 + 1, from),
                mp_heap_size(most, to));
}

static void put_histogram(FILE *out, const struct mp_heap_size_class *classes)
{
    char number[MP_HEAP_FIGURE], size[MP_HEAP_FIGURE];
    uint64_t blocks = 0, most = 0;
    for (int i = 0; i < MP_HEAP_SIZE_CLASSES; i++) {
        blocks += classes[i].blocks;
        most = classes[i].blocks > most ? classes[i].blocks : most;
    }
    for (int i = 0; i < MP_HEAP_SIZE_CLASSES; i++) {
        if (!classes[i].blocks)
            continue;
        int bar = (int)((double)BAR * (double)classes[i].blocks / (double)most + 0.5);
        put_class(out, i);
        fprintf(out, " %13s %5.1f%% %11s%s%.*s\n", mp_heap_count(classes[i].blocks, number),
                share(classes[i].blocks, blocks),
                mp_heap_size(signed_size(classes[i].bytes), size), bar ? "  " : "", bar,
                "####################");
    }
}

static uint64_t blocks_of(const struct mp_heap_size_class *classes)
{
    uint64_t blocks = 0;
    for (int i = 0; i < MP_HEAP_SIZE_CLASSES; i++)
        blocks |= classes[i].blocks;
    return blocks;
}

static void put_sizes(FILE *out, const struct mp_heap_sizes *sizes, const char *which)
{
    char size[MP_HEAP_FIGURE];
    fprintf(
        out,
        "\nSizes of blocks %s\n"
        "A capture has no sizes of single blocks: those of a stack count with their mean\n",
        which);
    for (int kind = 0; kind < MP_HEAP_KINDS; kind++) {
        bool any = blocks_of(sizes->classes[kind]) > 0;
        if (!any && !sizes->without[kind])
            continue;
        fprintf(out, any ? "\n  %-22s %13s %6s %11s\n" : "\n  %s\n", kinds[kind], "blocks",
                "", "bytes");
        put_histogram(out, sizes->classes[kind]);
        if (sizes->without[kind])
            fprintf(out, "  %s in mappings, which are no blocks\n",
                    mp_heap_size(signed_size(sizes->without[kind]), size));
    }
}

static void put_line(FILE *out, const struct mp_heap_stats *stats,
                     const struct mp_heap_line *row)
{
    char size[MP_HEAP_FIGURE], number[MP_HEAP_FIGURE];
    int columns = stats->style->width - FIGURES;
    columns = !stats->style->width ? 0 : columns < LEAST_PLACE ? LEAST_PLACE : columns;
    if (is_at(stats))
        fprintf(out, "%11s %14s  ", mp_heap_size(row->at_peak, size),
                mp_heap_blocks(row->blocks_at_peak, (uint64_t)row->at_peak, number));
    else
        fprintf(out, "%11s %14s %9.1f%%  ", mp_heap_size(mp_heap_line_total(row), size),
                mp_heap_blocks(row->blocks, row->total, number),
                share(row->temporary, row->blocks));
    if (row->importing)
        fputs(MP_HEAP_IMPORTING, out);
    else
        mp_heap_put_place(out, stats->style, stats->view, row->code, row->line, columns);
    fputc('\n', out);
}

static size_t shown_of(const struct mp_heap_stats *stats, enum mp_heap_column by)
{
    const struct mp_heap_rows *rows = stats->rows;
    mp_heap_rows_sort(stats->rows, by);
    size_t shown = rows->count < stats->most ? rows->count : stats->most;
    while (is_at(stats) && shown && !rows->rows[shown - 1].blocks_at_peak &&
           rows->rows[shown - 1].at_peak <= 0)
        shown--;
    return shown;
}

static void put_lines(FILE *out, const struct mp_heap_stats *stats, const char *title,
                      enum mp_heap_column by)
{
    size_t shown = shown_of(stats, by);
    fprintf(out, "\n%s\n%11s %14s%s  where\n", title, "bytes", "blocks",
            is_at(stats) ? "" : "  temporary");
    for (size_t i = 0; i < shown; i++)
        put_line(out, stats, &stats->rows->rows[i]);
}

void mp_heap_stats_text(FILE *out, const struct mp_heap_stats *stats)
{
    mp_heap_put_missing(out, stats->view->header, stats->incomplete);
    if (is_at(stats)) {
        put_live(out, stats);
        put_sizes(out, stats->sizes, "that were live then");
        put_lines(out, stats, "Lines that held most bytes", MP_HEAP_AT_PEAK);
        put_lines(out, stats, "Lines that held most blocks", MP_HEAP_BLOCKS_AT_PEAK);
        return;
    }
    put_counts(out, stats);
    put_sizes(out, stats->sizes, "ever allocated");
    put_lines(out, stats, "Lines that allocated most bytes", MP_HEAP_TOTAL);
    put_lines(out, stats, "Lines that allocated most often", MP_HEAP_ALLOCATIONS);
}

static void put_json_sizes(FILE *out, const struct mp_heap_sizes *sizes)
{
    static const char *const names[MP_HEAP_KINDS] = {"python", "malloc", "mmap", "pool"};
    fputs("  \"sizes_are\": \"means of stacks\",\n  \"sizes\": {", out);
    for (int kind = 0; kind < MP_HEAP_KINDS; kind++) {
        const char *before = "";
        fprintf(out, "%s\n    \"%s\": {\"without_blocks\": %" PRIu64 ", \"classes\": [",
                kind ? "," : "", names[kind], sizes->without[kind]);
        for (int i = 0; i < MP_HEAP_SIZE_CLASSES; i++) {
            const struct mp_heap_size_class *class = &sizes->classes[kind][i];
            if (!class->blocks)
                continue;
            fprintf(out,
                    "%s\n      {\"power\": %d, \"blocks\": %" PRIu64 ", \"bytes\": %" PRIu64
                    ", \"stacks\": %" PRIu64 "}",
                    before, i, class->blocks, class->bytes, class->stacks);
            before = ",";
        }
        fputs("]}", out);
    }
    fputs("},\n", out);
}

static void put_json_lines(FILE *out, const struct mp_heap_stats *stats, const char *key,
                           enum mp_heap_column by)
{
    size_t shown = shown_of(stats, by);
    fprintf(out, "  \"%s\": [", key);
    for (size_t i = 0; i < shown; i++) {
        const struct mp_heap_line *row = &stats->rows->rows[i];
        fputs(i ? ",\n    {" : "\n    {", out);
        mp_heap_json_place(out, stats->view, row->code, row->line);
        if (is_at(stats))
            fprintf(out, ", \"at_peak\": %" PRId64 ", \"blocks_at_peak\": %" PRIu64 "}",
                    row->at_peak, row->blocks_at_peak);
        else
            fprintf(out,
                    ", \"total\": %" PRIu64 ", \"allocations\": %" PRIu64
                    ", \"temporary\": %" PRIu64 "}",
                    row->total, row->blocks, row->temporary);
    }
    fputc(']', out);
}

void mp_heap_stats_json(FILE *out, const struct mp_heap_stats *stats,
                        const struct mp_heap_json_options *options)
{
    struct mp_heap_totals totals = mp_heap_totals(stats->view);
    mp_heap_json_begin(out, "heap-stats/1", stats->view->header, options);
    fprintf(out,
            "  \"total\": %" PRIu64 ", \"allocations\": %" PRIu64 ", \"frees\": %" PRIu64
            ", \"temporary\": %" PRIu64 ",\n  \"peak_blocks\": %" PRIu64
            ", \"live_blocks\": %" PRIu64 ", \"stacks\": %" PRIu64 ",\n",
            totals.total, totals.blocks, totals.frees, totals.temporary, totals.peak_blocks,
            totals.live_blocks, stats->sizes->stacks);
    mp_heap_range_json(out, stats->view, options->instants, options->instant_count);
    fprintf(out, "  \"peak\": %" PRId64 ",\n", stats->view->header->peak);
    put_json_sizes(out, stats->sizes);
    put_json_lines(out, stats, "most_bytes",
                   is_at(stats) ? MP_HEAP_AT_PEAK : MP_HEAP_TOTAL);
    fputs(",\n", out);
    put_json_lines(out, stats, "most_often",
                   is_at(stats) ? MP_HEAP_BLOCKS_AT_PEAK : MP_HEAP_ALLOCATIONS);
    fputs("\n}\n", out);
}
