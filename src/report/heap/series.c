#include "report/heap/series.h"

#include "aggregate/heap/series.h"

enum { LEVELS = 8, MOST = 100, LEAST = 10, USUAL = 80, LABELS = 23 };

static const char *block(const struct mp_heap_style *style, int level)
{
    static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const ascii[] = {" ", ".", ":", "-", "=", "+", "*", "#", "@"};
    return (style->drawings ? blocks : ascii)[level];
}

/* 0 for nothing at all, 1 to LEVELS for more. */
static int level_of(int64_t bytes, int64_t top)
{
    double share = top > 0 ? (double)bytes / (double)top : 0;
    return bytes <= 0 ? 0 : share >= 1 ? LEVELS : 1 + (int)(share * (LEVELS - 1) + 0.5);
}

static void put_line(FILE *out, const char *name, const struct mp_heap_style *style,
                     const int64_t *values, int count, int64_t top, const char *most)
{
    fprintf(out, "  %-10s", name);
    for (int i = 0; i < count; i++)
        fputs(block(style, level_of(values[i], top)), out);
    fprintf(out, "  at most %s\n", most);
}

/* Behind the picture stands the most that it shows. */
static int picture_width(const struct mp_heap_style *style, int figure)
{
    int width = (style->width ? style->width : USUAL) - LABELS - figure;
    return width < LEAST ? LEAST : width > MOST ? MOST : width;
}

/* The peak is known better than the series, which has some of its moments. */
static int column_of(int64_t time, int64_t whole, int width)
{
    double share = whole > 0 ? (double)time / (double)whole : 0;
    return share >= 1 ? width - 1 : share > 0 ? (int)(share * width) : 0;
}

void mp_heap_put_series(FILE *out, const struct mp_heap_view *view,
                        const struct mp_heap_style *style)
{
    struct mp_heap_marks marks = mp_heap_marks(view);
    struct mp_heap_point buckets[MOST];
    int64_t rss[MOST], heap[MOST];
    char room[MP_HEAP_FIGURE];
    int width = picture_width(style, mp_heap_estimate_width(view->header));
    if (!marks.peak)
        return;
    int64_t peak = view->processes ? marks.peak->heap : view->header->peak;
    int64_t when = view->processes ? marks.peak->time : view->header->peak_time;
    mp_heap_buckets(view, buckets, (size_t)width);
    for (int i = 0; i < width; i++) {
        rss[i] = buckets[i].rss;
        heap[i] = buckets[i].heap;
    }
    int64_t top = marks.most->rss > peak ? marks.most->rss : peak;
    heap[column_of(when, view->header->elapsed, width)] = peak;
    fputc('\n', out);
    put_line(out, "heap", style, heap, width, top,
             mp_heap_estimate(view->header, peak, room));
    put_line(out, "RSS", style, rss, width, top, mp_heap_size(marks.most->rss, room));
    int length = snprintf(room, sizeof room, "%.3f s", (double)view->header->elapsed / 1e9);
    fprintf(out, "  %-10s0%*s\n", "", width - 1 > length ? width - 1 : length + 1, room);
}
