#include "report/top/screen.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/saturate.h"

/* The analyzer does not know that an opened memory stream gives a text. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wanalyzer-null-dereference"
#endif

enum {
    LOW = 12 /* lines below which there are no curves */,
    HEAD = 3,
    CURVES = 2,
    FOOT = 1
};

static const double SECONDS = 1e9;

static int curve_lines(const struct mp_top_screen *screen)
{
    bool fits = screen->point_count > 1 && (!screen->height || screen->height >= LOW);
    return fits ? (screen->curves[0] != NULL) + (screen->curves[1] != NULL) : 0;
}

size_t mp_top_room(const struct mp_top_screen *screen)
{
    int left = screen->height - HEAD - curve_lines(screen) - FOOT;
    return !screen->height ? SIZE_MAX : left > 1 ? (size_t)left : 1;
}

int mp_top_columns(const struct mp_heap_style *style, const char *text, size_t length)
{
    char *escaped = NULL;
    size_t size = 0;
    int columns = 0;
    FILE *stream = open_memstream(&escaped, &size);
    if (!stream)
        return 0;
    mp_heap_put_text(stream, style, text, length, 0, MP_HEAP_CUT_END);
    fclose(stream);
    for (size_t i = 0; i < size; i++)
        columns += ((unsigned char)escaped[i] & 0xC0) != 0x80;
    free(escaped);
    return columns;
}

void mp_top_put_line(FILE *out, const struct mp_top_screen *screen, const char *text)
{
    mp_heap_put_text(out, &screen->style, text, strlen(text), screen->style.width,
                     MP_HEAP_CUT_END);
    fputc('\n', out);
}

void mp_top_put_lines(FILE *out, const struct mp_top_screen *screen,
                      const char *const *lines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mp_top_put_line(out, screen, lines[i]);
}

const char *mp_top_growth(int64_t bytes, char room[MP_HEAP_FIGURE])
{
    if (!bytes)
        return strcpy(room, "0");
    *room = '+';
    mp_heap_short_size(bytes, room + (bytes > 0));
    return room;
}

const char *mp_top_rate(double bytes, char room[MP_HEAP_FIGURE])
{
    double most = 0x1p62;
    double its = bytes > most ? most : bytes < -most ? -most : bytes;
    mp_top_growth((int64_t)its, room);
    return (int64_t)its ? strcat(room, "/s") : room;
}

const char *mp_top_whole_rate(double bytes, char room[MP_HEAP_FIGURE])
{
    return (int64_t)bytes ? mp_top_rate(bytes, room) : strcpy(room, "0/s");
}

void mp_top_sums_add(struct mp_top_sums *sums, const char *format, ...)
{
    char part[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(part, sizeof part, format, arguments);
    va_end(arguments);
    const struct mp_heap_style *style = &sums->screen->style;
    size_t length = strlen(part), whole = sums->length + length;
    int columns = mp_top_columns(style, sums->text, sums->length) +
                  mp_top_columns(style, part, length);
    if (whole >= sizeof sums->text || (style->width && columns > style->width))
        return;
    memcpy(sums->text + sums->length, part, length + 1);
    sums->length = whole;
}

const char *mp_top_duration(int64_t ns, char room[MP_HEAP_FIGURE])
{
    double seconds = (double)ns / SECONDS;
    if (seconds < 120)
        snprintf(room, MP_HEAP_FIGURE, "%.0f s", seconds);
    else if (seconds < 7200)
        snprintf(room, MP_HEAP_FIGURE, "%.0f min", seconds / 60);
    else if (seconds < 48 * 3600.)
        snprintf(room, MP_HEAP_FIGURE, "%.1f h", seconds / 3600);
    else
        snprintf(room, MP_HEAP_FIGURE, "%.1f d", seconds / 86400);
    return room;
}

/* The words of a command line, with blanks between. */
static void put_command(FILE *out, const struct mp_top_screen *screen, int columns)
{
    char words[256];
    size_t length =
        screen->command_length < sizeof words ? screen->command_length : sizeof words;
    if (!screen->command || !length) {
        mp_heap_put_text(out, &screen->style, screen->file, strlen(screen->file), columns,
                         MP_HEAP_CUT_START);
        return;
    }
    memcpy(words, screen->command, length);
    while (length && !words[length - 1])
        length--;
    for (size_t i = 0; i < length; i++)
        words[i] = words[i] ? words[i] : ' ';
    mp_heap_put_text(out, &screen->style, words, length, columns, MP_HEAP_CUT_END);
}

void mp_top_put_title(FILE *out, const struct mp_top_screen *screen)
{
    char about[160] = "", duration[MP_HEAP_FIGURE], pid[48] = "", others[48] = "";
    if (screen->pid)
        snprintf(pid, sizeof pid, "pid %" PRId64 ", ", screen->pid);
    if (screen->processes > 1)
        snprintf(others, sizeof others, "%zu processes, ", screen->processes);
    snprintf(about, sizeof about, "%s%s%s", pid, others,
             screen->attached ? "attached" : screen->state);
    if (screen->elapsed >= 0) {
        size_t length = strlen(about);
        snprintf(about + length, sizeof about - length, " %s%s",
                 mp_top_duration(screen->elapsed, duration),
                 screen->attached ? " ago" : "");
    }
    int width = screen->style.width, left = width - (int)strlen(about) - 2;
    if (width && left < 8) { /* what it is goes before what becomes of it */
        put_command(out, screen, width);
        fputc('\n', out);
        return;
    }
    mp_top_begin_strong(out, screen);
    put_command(out, screen, width ? left : 0);
    mp_top_end_strong(out, screen);
    fprintf(out, "  %s\n", about);
}

/* The largest figure of a stretch of the points: the last before it stands until the next. */
static int64_t most_in(const struct mp_top_screen *screen, int which, int64_t from,
                       int64_t to, size_t *at)
{
    int64_t most = -1;
    if (*at)
        most = screen->points[*at - 1].figures[which];
    for (; *at < screen->point_count && screen->points[*at].time <= to; ++*at) {
        const struct mp_top_point *point = &screen->points[*at];
        if (point->figures[which] > most || point->time < from)
            most = point->figures[which];
    }
    return most;
}

static void put_curve(FILE *out, const struct mp_top_screen *screen, int which, int columns)
{
    static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const marks[] = {" ", "_", ".", ":", "-", "=", "+", "*", "#"};
    const char *const *levels = screen->style.utf8 ? blocks : marks;
    const struct mp_top_point *points = screen->points;
    int64_t first = points[0].time, last = points[screen->point_count - 1].time, most = 1;
    size_t at = 0;
    for (size_t i = 0; i < screen->point_count; i++)
        if (points[i].figures[which] > most)
            most = points[i].figures[which];
    double step = (double)mp_difference(last, first) / columns;
    for (int column = 0; column < columns; column++) {
        int64_t from = mp_sum(first, (int64_t)(step * column));
        int64_t to =
            column + 1 < columns ? mp_sum(first, (int64_t)(step * (column + 1))) : last;
        int64_t high = most_in(screen, which, from, to, &at);
        int level = high <= 0 ? 0 : 1 + (int)((double)high / (double)most * 7.999);
        fputs(levels[level > 8 ? 8 : level], out);
    }
}

void mp_top_put_curves(FILE *out, const struct mp_top_screen *screen)
{
    int columns = (screen->style.width ? screen->style.width : 80) - 6;
    for (int which = 0; which < CURVES && curve_lines(screen); which++) {
        if (!screen->curves[which])
            continue;
        fprintf(out, "%-5.5s ", screen->curves[which]);
        put_curve(out, screen, which, columns > 1 ? columns : 1);
        fputc('\n', out);
    }
}

void mp_top_put_foot(FILE *out, const struct mp_top_screen *screen)
{
    char text[256];
    const char *words = screen->message ? screen->message : screen->keys;
    if (!words)
        return;
    snprintf(text, sizeof text, "%s%s", screen->frozen ? "frozen  " : "", words);
    mp_top_put_line(out, screen, text);
}

void mp_top_begin_strong(FILE *out, const struct mp_top_screen *screen)
{
    if (screen->style.colour)
        fputs("\033[1m", out);
}

void mp_top_end_strong(FILE *out, const struct mp_top_screen *screen)
{
    if (screen->style.colour)
        fputs("\033[0m", out);
}
