#include "report/notebook/notebook.h"

#include <stdlib.h>

#include "aggregate/timeline/decimate.h"
#include "report/timeline/svg.h"

#define SMALL "font-size:11px;line-height:1.4;opacity:0.8"

enum { LEAST_RANGE = 1 << 20 }; /* a curve of 40 KiB is no mountain */

static const double MIB = 1024.0 * 1024.0, SECOND = 1e9;

/* What the picture spans: `high` is the peak, `highest` the largest sample. */
struct extent {
    int64_t from, to, low, high, highest, highest_at;
};

static struct extent extent_of(const struct mp_notebook_series *what)
{
    const struct mp_point *points = what->series.points;
    struct extent extent = {points[0].time,  points[what->series.count - 1].time,
                            points[0].bytes, points[0].bytes,
                            points[0].bytes, points[0].time};
    for (size_t i = 1; i < what->series.count; i++) {
        if (points[i].bytes < extent.low)
            extent.low = points[i].bytes;
        if (points[i].bytes > extent.highest) {
            extent.highest = points[i].bytes;
            extent.highest_at = points[i].time;
        }
    }
    extent.high = what->peak > extent.highest ? what->peak : extent.highest;
    return extent;
}

static int64_t upper_edge(const struct extent *extent)
{
    int64_t least = extent->low + LEAST_RANGE;
    return extent->high < least ? least : extent->high;
}

void mp_notebook_words(FILE *out, const struct mp_notebook_series *what)
{
    struct extent extent = extent_of(what);
    const struct mp_point *points = what->series.points;
    size_t count = what->series.count;
    fprintf(out, "peak %.1f MiB, %.1f MiB over the start", (double)extent.high / MIB,
            (double)(extent.high - points[0].bytes) / MIB);
    fprintf(
        out,
        "; started at %.1f MiB, ended at %.1f MiB, highest sample %.1f MiB after %.2f s",
        (double)points[0].bytes / MIB, (double)points[count - 1].bytes / MIB,
        (double)extent.highest / MIB, (double)(extent.highest_at - extent.from) / SECOND);
    fprintf(out, "; %.2f s, %zu samples", (double)(extent.to - extent.from) / SECOND,
            count);
    if (what->late)
        fprintf(out, ", %llu late", (unsigned long long)what->late);
    if (what->children)
        fputs(", child processes included", out);
}

static char *words_of(const struct mp_notebook_series *what)
{
    char *words = NULL;
    size_t length;
    FILE *out = open_memstream(&words, &length);
    if (!out)
        return NULL;
    mp_notebook_words(out, what);
    return fclose(out) ? NULL : words;
}

int mp_notebook_picture(FILE *out, const struct mp_notebook_series *what)
{
    struct extent extent = extent_of(what);
    char *words = words_of(what);
    if (!words)
        return -1;
    struct mp_svg_options options = {.low = extent.low,
                                     .high = upper_edge(&extent),
                                     .peak = extent.high,
                                     .peak_time = what->peak_time,
                                     .gap = mp_gap_of(&what->series, what->interval),
                                     .title = words};
    int failed = mp_svg_series(out, &what->series, &options);
    free(words);
    return failed;
}

/* A data URI inside a quoted attribute; the SVG has no double quotes and is ASCII. */
static void put_uri(FILE *out, const char *svg)
{
    fputs("data:image/svg+xml,", out);
    for (; *svg; svg++)
        if (*svg == '<' || *svg == '>' || *svg == '#' || *svg == '%' || *svg == '&')
            fprintf(out, "%%%02X", (unsigned)*svg);
        else
            putc(*svg, out);
}

static void put_figure(FILE *out, const struct mp_notebook_series *what, const char *words,
                       const char *svg)
{
    struct extent extent = extent_of(what);
    fprintf(out,
            "<figure style=\"margin:0;max-width:760px\"><figcaption>%s</figcaption>\n"
            "<div style=\"" SMALL ";padding:6px 0 0 0\">%.1f MiB</div>\n"
            "<img width=\"100%%\" height=\"160\" style=\"display:block;width:100%%;"
            "height:160px;max-width:none;border-bottom:1px solid rgba(128,128,128,0.6)\" "
            "alt=\"Memory over time: %s\" src=\"",
            words, (double)upper_edge(&extent) / MIB, words);
    put_uri(out, svg);
    fprintf(out,
            "\">\n<div style=\"" SMALL "\"><span style=\"float:right\">%.2f s</span>"
            "the lower edge is %.1f MiB, not zero</div></figure>\n",
            (double)(extent.to - extent.from) / SECOND, (double)extent.low / MIB);
}

int mp_notebook_series(FILE *out, const struct mp_notebook_series *what)
{
    char *svg = NULL, *words = words_of(what);
    size_t length;
    FILE *picture = open_memstream(&svg, &length);
    int failed = !picture || !words || mp_notebook_picture(picture, what);
    if (picture && fclose(picture))
        failed = -1;
    if (!failed)
        put_figure(out, what, words, svg);
    free(svg);
    free(words);
    return failed ? -1 : 0;
}
