#include "report/timeline/svg.h"

#include <stdlib.h>
#include <string.h>

#include "aggregate/timeline/decimate.h"
#include "base/escape.h"
#include "base/saturate.h"

enum { WIDTH = 640, HEIGHT = 160, EDGE = 3 };

struct frame {
    int64_t from, to, low, high;
};

static double x_of(const struct frame *frame, int64_t time)
{
    return frame->to > frame->from ? WIDTH * (double)mp_difference(time, frame->from) /
                                         (double)mp_difference(frame->to, frame->from)
                                   : 0;
}

static double y_of(const struct frame *frame, int64_t bytes)
{
    double share = frame->high > frame->low
                       ? (double)mp_difference(bytes, frame->low) /
                             (double)mp_difference(frame->high, frame->low)
                       : 0;
    return EDGE + (HEIGHT - 2 * EDGE) * (1 - share);
}

/* One run of points without a gap: the curve, or the area down to the lower edge. */
static void put_run(FILE *out, const struct frame *frame, const struct mp_point *points,
                    size_t count, bool area)
{
    double last = x_of(frame, points[count - 1].time);
    if (area)
        fprintf(out, "M%.1f %d", x_of(frame, points[0].time), HEIGHT);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%c%.1f %.1f", i || area ? 'L' : 'M', x_of(frame, points[i].time),
                y_of(frame, points[i].bytes));
    if (count == 1)
        fprintf(out, "H%.1f", last + 2);
    if (area)
        fprintf(out, "V%dZ", HEIGHT);
}

static void put_curve(FILE *out, const struct frame *frame, const struct mp_series *series,
                      bool area)
{
    size_t first = 0;
    for (size_t i = 0; i <= series->count; i++) {
        if (i < series->count && series->points[i].bytes != MP_NO_DATA)
            continue;
        if (i > first)
            put_run(out, frame, &series->points[first], i - first, area);
        first = i + 1;
    }
}

/* What a sample between two others would have been is not known: the one before stands. */
static void put_stem(FILE *out, const struct frame *frame, const struct mp_series *series,
                     const struct mp_svg_options *options)
{
    const struct mp_point *base = NULL;
    for (size_t i = 0; i < series->count; i++)
        if (series->points[i].bytes >= 0 && series->points[i].time <= options->peak_time)
            base = &series->points[i];
    if (base && options->peak > base->bytes && options->peak_time <= frame->to)
        fprintf(out,
                "<path stroke='#e8590c' vector-effect='non-scaling-stroke' "
                "d='M%.1f %.1fV%.1f'/>",
                x_of(frame, options->peak_time), y_of(frame, base->bytes),
                y_of(frame, options->peak));
}

static void put_picture(FILE *out, const struct frame *frame,
                        const struct mp_series *series,
                        const struct mp_svg_options *options)
{
    fprintf(out,
            "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %d %d' "
            "preserveAspectRatio='none' role='img'><title>",
            WIDTH, HEIGHT);
    mp_escape_html(out, options->title, strlen(options->title));
    fputs("</title><path fill='#4c6ef5' fill-opacity='.22' d='", out);
    put_curve(out, frame, series, true);
    fputs("'/><g fill='none' vector-effect='non-scaling-stroke'>"
          "<path stroke='#4c6ef5' stroke-width='1.5' stroke-linejoin='round' "
          "vector-effect='non-scaling-stroke' d='",
          out);
    put_curve(out, frame, series, false);
    fputs("'/>", out);
    if (options->peak >= 0)
        fprintf(out,
                "<path stroke='#e8590c' stroke-dasharray='5 4' "
                "vector-effect='non-scaling-stroke' d='M0 %.1fH%d'/>",
                y_of(frame, options->peak), WIDTH);
    put_stem(out, frame, series, options);
    fputs("</g></svg>", out);
}

int mp_svg_series(FILE *out, const struct mp_series *series,
                  const struct mp_svg_options *options)
{
    struct mp_series drawn = {0};
    struct frame frame = {series->points[0].time, series->points[series->count - 1].time,
                          options->low, options->high};
    int failed = mp_decimate(series, frame.from, frame.to, WIDTH / 2, options->gap, &drawn);
    if (!failed)
        put_picture(out, &frame, &drawn, options);
    free(drawn.points);
    return failed;
}
