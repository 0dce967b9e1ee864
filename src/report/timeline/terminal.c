#include "report/timeline/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "aggregate/timeline/decimate.h"
#include "base/escape.h"
#include "base/saturate.h"
#include "report/timeline/words.h"

enum { AXIS = 10, NARROWEST = 20, WIDEST = 400, LOWEST = 4, EIGHTHS = 8, NAME_WIDTH = 20 };
enum { MOST_FUNCTIONS = 8, MOST_CHILDREN = 8, MOST_GAPS = 4, HOUR = 3600, END = 80 };
enum { LONG = 120 }; /* seconds, from where on the time of day is told */

struct canvas {
    const struct mp_figure_run *run;
    const struct mp_terminal_options *options;
    int columns;
    int64_t sampled[WIDEST], marked[WIDEST]; /* highest per column; MP_NO_DATA */
};

static int column_of(const struct canvas *canvas, int64_t time)
{
    const struct mp_figure_run *run = canvas->run;
    if (time <= run->from || run->to <= run->from)
        return 0;
    if (time >= run->to)
        return canvas->columns - 1;
    double share =
        (double)mp_difference(time, run->from) / (double)mp_difference(run->to, run->from);
    int at = (int)(share * canvas->columns);
    return at < canvas->columns ? at : canvas->columns - 1;
}

static void raise_to(int64_t *column, int64_t bytes)
{
    if (bytes > *column)
        *column = bytes;
}

/* The line between two neighbouring points, unless one of them stands for a gap. */
static void draw_line(struct canvas *canvas, int64_t *columns, const struct mp_point *a,
                      const struct mp_point *b)
{
    int first = column_of(canvas, a->time), last = column_of(canvas, b->time);
    if (a->bytes < 0 || b->bytes < 0)
        return;
    for (int i = first + 1; i < last; i++)
        raise_to(&columns[i],
                 a->bytes + (b->bytes - a->bytes) / (last - first) * (i - first));
}

static void draw_series(struct canvas *canvas, int64_t *columns,
                        const struct mp_series *series)
{
    for (int i = 0; i < canvas->columns; i++)
        columns[i] = MP_NO_DATA;
    for (size_t i = 0; i < series->count; i++) {
        raise_to(&columns[column_of(canvas, series->points[i].time)],
                 series->points[i].bytes);
        if (i)
            draw_line(canvas, columns, &series->points[i - 1], &series->points[i]);
    }
}

static int64_t highest(const struct canvas *canvas)
{
    int64_t top = 1;
    for (int i = 0; i < canvas->columns; i++) {
        raise_to(&top, canvas->sampled[i]);
        raise_to(&top, canvas->marked[i]);
    }
    return top;
}

/* How full a cell is, in eighths, when `bytes` fill a bar of `rows` cells to `top`. */
static int fullness(int64_t bytes, int64_t top, int rows, int row)
{
    if (bytes < 0)
        return 0;
    int whole = (int)((double)bytes / (double)top * rows * EIGHTHS + 0.5);
    int here = whole - row * EIGHTHS;
    return here < 0 ? 0 : here > EIGHTHS ? EIGHTHS : here;
}

static const char *block(int eighths, bool unicode)
{
    static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const plain[] = {" ", ".", ".", ".", ":", ":", "#", "#", "#"};
    return unicode ? blocks[eighths] : plain[eighths];
}

static const char *cell(const struct canvas *canvas, int64_t top, int rows, int row,
                        int column)
{
    bool unicode = canvas->options->unicode;
    int full = fullness(canvas->sampled[column], top, rows, row);
    if (!full && fullness(canvas->marked[column], top, rows, row))
        return unicode ? "░" : "'";
    return block(full, unicode);
}

/* A line without the blanks at its end. */
static void put_row(FILE *out, const struct canvas *canvas, int64_t top, int rows, int row)
{
    int end = canvas->columns;
    while (end && !strcmp(cell(canvas, top, rows, row, end - 1), " "))
        end--;
    for (int i = 0; i < end; i++)
        fputs(cell(canvas, top, rows, row, i), out);
    fputc('\n', out);
}

static double seconds_at(const struct mp_figure_run *run, int64_t time)
{
    return (double)mp_difference(time, run->start) / 1e9;
}

/* An end of the time axis: seconds, of a long run with the time of day. */
static int put_end(char text[END], const struct mp_figure_run *run, int64_t time,
                   const char *unit)
{
    char words[MP_WORDS_ROOM], clock[MP_WORDS_ROOM] = "";
    double seconds = seconds_at(run, time);
    time_t second = (time_t)(time / MP_SECOND);
    struct tm local;
    if (seconds_at(run, run->to) < LONG)
        return snprintf(text, END, "%.6g%s", seconds, unit);
    if (localtime_r(&second, &local))
        strftime(clock, sizeof clock, " (%d %b %H:%M)", &local);
    return snprintf(text, END, "%s%s",
                    seconds > 0 ? mp_duration_words(words, seconds) : "0", clock);
}

static void put_axis(FILE *out, const struct canvas *canvas)
{
    bool unicode = canvas->options->unicode;
    const struct mp_figure_run *run = canvas->run;
    char left[END], right[END];
    fprintf(out, "%*s ", AXIS - 2, "");
    fputs(unicode ? "└" : "+", out);
    for (int i = 0; i < canvas->columns; i++)
        fputs(unicode ? "─" : "-", out);
    int used = put_end(left, run, run->from, "");
    int more = put_end(right, run, run->to, " s");
    int gap = canvas->columns - used - more;
    fprintf(out, "\n%*s%s%*s%s\n", AXIS, "", left, gap > 1 ? gap : 1, "", right);
}

/* Bytes of what the labels count: MiB, or GiB where there are several. */
static double unit_of(const struct canvas *canvas)
{
    return (double)highest(canvas) / MP_MIB >= 2048 ? 1024 * MP_MIB : MP_MIB;
}

static void put_area(FILE *out, const struct canvas *canvas, int rows)
{
    int64_t top = highest(canvas);
    const char *bar = canvas->options->unicode ? "│" : "|";
    for (int row = rows - 1; row >= 0; row--) {
        bool labelled = row == rows - 1 || row == 0 || row == rows / 2;
        if (labelled)
            fprintf(out, "%*.1f ", AXIS - 2,
                    (double)top / unit_of(canvas) *
                        (row == rows - 1 ? 1 : (double)row / rows));
        else
            fprintf(out, "%*s ", AXIS - 2, "");
        fputs(bar, out);
        put_row(out, canvas, top, rows, row);
    }
    put_axis(out, canvas);
}

/* A name in `width` columns, its end kept: that is where names differ. */
static void put_name(FILE *out, const char *name, int width)
{
    int length = (int)strlen(name), cut = length > width ? length - width : 0;
    while (cut && ((unsigned char)name[cut] & 0xC0) == 0x80)
        cut++;
    mp_escape_terminal(out, name + cut, (size_t)(length - cut), false);
    int pad = width - (length - cut);
    fprintf(out, "%*s", pad > 0 ? pad : 0, "");
}

/* When one function ran: a bar over the time axis. */
static void put_function(FILE *out, const struct canvas *canvas, size_t first, size_t end)
{
    const struct mp_figure_run *run = canvas->run;
    bool on[WIDEST] = {false};
    double seconds = 0;
    bool open = false;
    for (size_t i = first; i < end; i++) {
        const struct mp_span *span = &run->spans[i];
        int last = column_of(canvas, span->leave.time);
        for (int column = column_of(canvas, span->enter.time); column <= last; column++)
            on[column] = true;
        seconds += (double)mp_difference(span->leave.time, span->enter.time) / 1e9;
        open |= span->open;
    }
    fprintf(out, "%*s", AXIS, "");
    for (int i = 0; i < canvas->columns; i++)
        fputs(!on[i] ? " " : canvas->options->unicode ? "━" : "=", out);
    fprintf(out, "\n%*s", AXIS, "");
    put_name(out, run->labels[run->spans[first].name], NAME_WIDTH);
    char time[MP_WORDS_ROOM];
    fprintf(out, " %zu %s, %s%s%s\n", end - first, end - first == 1 ? "call" : "calls",
            mp_duration_words(time, seconds), end - first == 1 ? "" : " in all",
            open ? ", not returned" : "");
}

static void put_functions(FILE *out, const struct canvas *canvas)
{
    const struct mp_figure_run *run = canvas->run;
    int shown = 0, left = 0;
    for (size_t first = 0, end; first < run->span_count; first = end) {
        for (end = first;
             end < run->span_count && run->spans[end].name == run->spans[first].name;)
            end++;
        if (shown < MOST_FUNCTIONS) {
            put_function(out, canvas, first, end);
            shown++;
        } else {
            left++;
        }
    }
    if (left)
        fprintf(out, "%*sand %d more functions\n", AXIS, "", left);
}

static void put_child(FILE *out, struct canvas *canvas, const struct mp_figure_child *child)
{
    bool unicode = canvas->options->unicode;
    int64_t top = child->curve.peak > 0 ? child->curve.peak : 1;
    draw_series(canvas, canvas->sampled, &child->curve.points);
    fprintf(out, "%*s", AXIS, "");
    for (int i = 0; i < canvas->columns; i++)
        fputs(block(fullness(canvas->sampled[i], top, 1, 0), unicode), out);
    fprintf(out, "\n%*s", AXIS, "");
    const char *name = child->track->name ? child->track->name : "";
    int width = NAME_WIDTH;
    if (child->track->pid)
        fprintf(out, "child %d ", child->track->pid);
    else if ((int)strlen(name) > NAME_WIDTH) /* our words for a part of the same process */
        width = (int)strlen(name);
    put_name(out, name, width);
    char peak[MP_WORDS_ROOM];
    fprintf(out, " peak %s\n", mp_memory_words(peak, child->curve.peak));
}

/* CPU of all that the curve is of, as a row of bars as high as its highest. */
static void put_cpu(FILE *out, struct canvas *canvas)
{
    const struct mp_series *cpu = &canvas->run->cpu;
    int64_t most = 1;
    if (!cpu->count)
        return;
    draw_series(canvas, canvas->sampled, cpu);
    for (size_t i = 0; i < cpu->count; i++)
        raise_to(&most, cpu->points[i].bytes);
    fprintf(out, "%*s", AXIS, "");
    for (int i = 0; i < canvas->columns; i++)
        fputs(block(fullness(canvas->sampled[i], most, 1, 0), canvas->options->unicode),
              out);
    fprintf(out, "\n%*sCPU, mean %.1f%%, at most %.1f%% of one\n", AXIS, "",
            (double)canvas->run->mean_cpu / (double)MP_PERCENT,
            (double)most / (double)MP_PERCENT);
}

static void put_gaps(FILE *out, const struct mp_figure_run *run)
{
    char length[MP_WORDS_ROOM], time[MP_WORDS_ROOM];
    size_t shown = run->gaps.count < MOST_GAPS ? run->gaps.count : MOST_GAPS;
    for (size_t i = 0; i < shown; i++) {
        const struct mp_gap *gap = &run->gaps.items[i];
        fprintf(out, "%*s%s for %s, from %s\n", AXIS, "",
                gap->asleep ? "the machine was suspended" : "no samples",
                mp_duration_words(length, (double)mp_difference(gap->to, gap->from) / 1e9),
                mp_duration_words(time, seconds_at(run, gap->from)));
    }
    if (shown < run->gaps.count)
        fprintf(out, "%*sand %zu more such stretches\n", AXIS, "", run->gaps.count - shown);
}

/* What the kernel did for want of memory, and under which limit. */
static void put_kills(FILE *out, const struct mp_figure_run *run)
{
    char limit[MP_WORDS_ROOM], time[MP_WORDS_ROOM];
    int64_t killed = 0;
    for (size_t i = 0; i < run->kills.count; i++)
        killed = mp_sum(killed, run->kills.points[i].bytes);
    if (!killed)
        return;
    int64_t last = run->kills.points[run->kills.count - 1].time;
    fprintf(out, "%*s%lld %s killed for memory, %s at %s", AXIS, "", (long long)killed,
            killed == 1 ? "process" : "processes", killed == 1 ? "seen" : "the last",
            mp_duration_words(time, seconds_at(run, last)));
    if (run->limit >= 0)
        fprintf(out, ", limit %s", mp_memory_words(limit, run->limit));
    fputc('\n', out);
}

static void put_children(FILE *out, struct canvas *canvas)
{
    const struct mp_figure_run *run = canvas->run;
    for (size_t i = 0; i < run->child_count && i < MOST_CHILDREN; i++)
        put_child(out, canvas, &run->children[i]);
    if (run->child_count > MOST_CHILDREN)
        fprintf(out, "%*sand %zu more children\n", AXIS, "",
                run->child_count - MOST_CHILDREN);
}

static void put_summary(FILE *out, const struct canvas *canvas)
{
    const struct mp_figure_run *run = canvas->run;
    char peak[MP_WORDS_ROOM], time[MP_WORDS_ROOM];
    fprintf(out, "%*speak %s at %s, %zu samples", AXIS, "",
            mp_memory_words(peak, run->curve.peak),
            mp_duration_words(time, seconds_at(run, run->curve.peak_time)),
            run->timeline->total.count);
    if (canvas->options->slope)
        fprintf(out, ", trend %+.1f %s %.1f MiB/h", run->curve.trend.slope * HOUR,
                canvas->options->unicode ? "±" : "+-", run->curve.trend.error * HOUR);
    fputc('\n', out);
    if (run->marks.count)
        fprintf(out, "%*s%s %s between samples\n", AXIS, "",
                canvas->options->unicode ? "░" : "'", run->bounds ? "at most" : "peaks");
}

void mp_terminal_figure(FILE *out, const struct mp_figure_run *run,
                        const struct mp_terminal_options *options)
{
    struct canvas canvas = {.run = run, .options = options};
    int width = options->width < NARROWEST ? NARROWEST : options->width;
    int rows = (options->height < LOWEST ? LOWEST : options->height) - 1;
    canvas.columns = width - AXIS - 1 > WIDEST ? WIDEST : width - AXIS - 1;
    const char *title = options->title ? options->title : run->timeline->command;
    if (!title)
        title = run->file;
    draw_series(&canvas, canvas.sampled, &run->curve.points);
    mp_decimate_columns(&run->marks, run->from, run->to, (size_t)canvas.columns, NULL,
                        canvas.marked);
    fprintf(out, "%*s  ", AXIS - 2, unit_of(&canvas) > MP_MIB ? "GiB" : "MiB");
    mp_escape_terminal(out, title, strnlen(title, (size_t)canvas.columns), false);
    fputc('\n', out);
    put_area(out, &canvas, rows);
    put_summary(out, &canvas);
    put_gaps(out, run);
    put_kills(out, run);
    put_cpu(out, &canvas);
    put_functions(out, &canvas);
    put_children(out, &canvas);
}
