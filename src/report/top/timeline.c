#include "report/top/timeline.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/saturate.h"

/* The analyzer does not know that an opened memory stream gives a text. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wanalyzer-null-dereference"
#endif

enum { COLUMNS = 5, LEAST_PLACE = 18, METRIC = 8 };

static const struct column {
    const char *title; /* NULL: the metric */
    int width;
} columns[COLUMNS] = {{NULL, 10}, {"PSS", 11}, {"+/s", 10}, {"since", 9}, {"at most", 11}};

/* A PSS column beside one that is of PSS already tells nothing. */
static bool is_shown(const struct mp_top_timeline *top, int i)
{
    bool narrow = top->screen.style.width && top->screen.style.width < 60;
    return i != MP_TOP_BY_PSS || (!strcmp(top->metric, "rss") && !narrow);
}

static int shown_columns(const struct mp_top_timeline *top)
{
    int left = top->screen.style.width - 2 - LEAST_PLACE, count = 0;
    for (int i = 0; i < COLUMNS; i++, count++) {
        left -= is_shown(top, i) ? columns[i].width : 0;
        if (top->screen.style.width && left < 0 && i > MP_TOP_BY_RATE)
            break;
    }
    return count;
}

static void upper(char room[METRIC], const char *metric)
{
    size_t i = 0;
    for (; metric[i] && i + 1 < METRIC; i++)
        room[i] = (char)toupper((unsigned char)metric[i]);
    room[i] = 0;
}

static void put_head(FILE *out, const struct mp_top_timeline *top)
{
    char metric[METRIC], title[MP_HEAP_FIGURE];
    upper(metric, top->metric);
    mp_top_begin_strong(out, &top->screen);
    for (int i = 0; i < shown_columns(top); i++) {
        if (!is_shown(top, i))
            continue;
        snprintf(title, sizeof title, "%s%s", i == (int)top->sort ? "*" : "",
                 columns[i].title ? columns[i].title : metric);
        fprintf(out, "%*s", columns[i].width, title);
    }
    fputs("  process", out);
    mp_top_end_strong(out, &top->screen);
    fputc('\n', out);
}

static const char *size_or_none(int64_t bytes, char room[MP_HEAP_FIGURE])
{
    return bytes < 0 ? "-" : mp_heap_size(bytes, room);
}

static int put_figures(FILE *out, const struct mp_top_timeline *top,
                       const struct mp_top_process *process)
{
    char rooms[COLUMNS][MP_HEAP_FIGURE];
    int64_t grown = mp_difference(process->bytes, process->marked);
    const char *texts[COLUMNS] = {
        size_or_none(process->bytes, rooms[0]), size_or_none(process->pss, rooms[1]),
        top->is_rated ? mp_top_rate(process->rate, rooms[2]) : "-",
        mp_top_growth(grown, rooms[3]), size_or_none(process->most, rooms[4])};
    int width = 0;
    for (int i = 0; i < shown_columns(top); i++)
        if (is_shown(top, i))
            width += fprintf(out, "%*s", columns[i].width, texts[i]);
    return width;
}

static void put_rows(FILE *out, const struct mp_top_timeline *top, size_t room)
{
    room = room < top->most ? room : top->most;
    size_t end = room < top->count - top->first ? top->first + room : top->count;
    for (size_t i = top->first; i < end; i++) {
        const struct mp_top_process *process = &top->processes[i];
        char pid[MP_HEAP_FIGURE];
        int width = put_figures(out, top, process);
        int indent = process->depth < 8 ? process->depth * 2 : 16;
        width += fprintf(out, "%s%*s", i == top->chosen ? " >" : "  ", indent, "");
        snprintf(pid, sizeof pid, "%d ", process->pid);
        width += (int)strlen(pid);
        fputs(pid, out);
        int left = top->screen.style.width - width;
        mp_heap_put_text(out, &top->screen.style, process->name, strlen(process->name),
                         !top->screen.style.width ? 0
                         : left > 4               ? left
                                                  : 4,
                         MP_HEAP_CUT_END);
        fputs(process->is_there ? "\n" : " (ended)\n", out);
    }
}

static void put_sums(FILE *out, const struct mp_top_timeline *top)
{
    struct mp_top_sums sums = {.screen = &top->screen};
    char room[MP_HEAP_FIGURE], metric[METRIC];
    const struct mp_top_process *whole = &top->whole;
    upper(metric, top->metric);
    mp_top_sums_add(&sums, "%s %s", metric, size_or_none(whole->bytes, room));
    if (whole->pss >= 0)
        mp_top_sums_add(&sums, "  PSS %s", mp_heap_size(whole->pss, room));
    if (top->is_rated)
        mp_top_sums_add(&sums, "  %s", mp_top_whole_rate(whole->rate, room));
    mp_top_sums_add(&sums, "  %s since %s",
                    mp_top_growth(mp_difference(whole->bytes, whole->marked), room),
                    top->since);
    mp_top_sums_add(&sums, "  at most %s", size_or_none(whole->most, room));
    mp_top_put_line(out, &top->screen, sums.text);
}

static void put_help(FILE *out, const struct mp_top_timeline *top, size_t room)
{
    static const char *const lines[] = {
        "up down j k   choose a row          PgUp PgDn  a page",
        "o O           sort by the next or the former column",
        "m             mark: 'since' counts from here",
        "space f       freeze, and go on",
        "q             quit; neither the program nor its recording is touched",
        "PSS           pages that several processes share are in it in parts; it takes",
        "              the kernel long, so it is asked less often",
    };
    size_t count = sizeof lines / sizeof *lines;
    mp_top_put_lines(out, &top->screen, lines, count < room ? count : room);
}

void mp_top_timeline_print(FILE *out, const struct mp_top_timeline *top)
{
    size_t room = mp_top_room(&top->screen);
    mp_top_put_title(out, &top->screen);
    put_sums(out, top);
    mp_top_put_curves(out, &top->screen);
    if (top->help) {
        fputc('\n', out);
        put_help(out, top, room);
    } else {
        put_head(out, top);
        put_rows(out, top, room);
    }
    mp_top_put_foot(out, &top->screen);
}

static void put_figure(FILE *out, const char *name, int64_t bytes)
{
    if (bytes >= 0)
        fprintf(out, ", \"%s\": %" PRId64, name, bytes);
}

static void put_json_figures(FILE *out, const struct mp_top_timeline *top,
                             const struct mp_top_process *process)
{
    put_figure(out, top->metric, process->bytes);
    if (strcmp(top->metric, "pss") != 0)
        put_figure(out, "pss", process->pss);
    put_figure(out, "most", process->most);
    if (top->is_rated)
        fprintf(out, ", \"rate\": %.0f", process->rate);
    fprintf(out, ", \"since\": %" PRId64, mp_difference(process->bytes, process->marked));
}

void mp_top_timeline_json(FILE *out, const struct mp_top_timeline *top)
{
    size_t count = top->count < top->most ? top->count : top->most;
    fputs("{\"file\": ", out);
    mp_escape_json_or_null(out, top->screen.file);
    fprintf(out, ", \"pid\": %" PRId64 ", \"processes\": %zu, \"state\": ", top->screen.pid,
            top->screen.processes);
    mp_escape_json_or_null(out, top->screen.state);
    fprintf(out, ", \"elapsed\": %" PRId64, top->screen.elapsed);
    put_json_figures(out, top, &top->whole);
    fputs(", \"rows\": [", out);
    for (size_t i = 0; i < count; i++) {
        const struct mp_top_process *process = &top->processes[i];
        fprintf(out, "%s{\"process\": %d, \"parent\": %d, \"running\": %s, \"name\": ",
                i ? ", " : "", process->pid, process->parent,
                process->is_there ? "true" : "false");
        mp_escape_json(out, process->name, strlen(process->name));
        put_json_figures(out, top, process);
        fputc('}', out);
    }
    fprintf(out, "], \"rows_left_out\": %zu}\n", top->count - count);
}
