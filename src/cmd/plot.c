/* mprof plot: an interactive page, a picture, or characters. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/figure.h"
#include "cmd/command.h"
#include "cmd/plot_picture.h"
#include "cmd/profiles.h"
#include "cmd/write_page.h"
#include "cmd/screen.h"
#include "report/page.h"
#include "report/terminal.h"

enum { KEY_BACKEND = 256, KEY_TERMINAL };
enum { PAGE_BUCKETS = 15000, PAGE_CALLS = 20000 };
enum { PICTURE_BUCKETS = 1300, VECTOR_BUCKETS = 800, PICTURE_CALLS = 5000 };
enum { TERMINAL_BUCKETS = 4000, TERMINAL_ROWS = 20, TERMINAL_COLUMNS = 80 };

struct settings {
    const char *title, *output, *backend;
    bool no_functions, flame, slope, terminal, window;
    int64_t from, to;
};

static const struct mp_option options[] = {
    {'t', "title", "TITLE", "the title of the plot", NULL},
    {'n', "no-function-ts", NULL, "leave out the functions", NULL},
    {'o', "output", "FILE", "write the plot to FILE: .html, .png, .svg or .pdf", NULL},
    {'w', "window", "FROM,TO", "only this part of the time, in seconds, like 0,20.5", NULL},
    {'f', "flame", NULL, "draw the functions stacked by depth instead of as brackets",
     NULL},
    {'s', "slope", NULL, "draw the trend line and tell its slope", NULL},
    {KEY_BACKEND, "backend", "NAME", "show a window of this matplotlib backend", NULL},
    {KEY_TERMINAL, "terminal", NULL, "plot with characters, on the terminal", NULL},
    {0},
};

static const char *take_window(struct settings *settings, const char *text)
{
    char *comma, *end;
    double from = strtod(text, &comma);
    double to = *comma == ',' ? strtod(comma + 1, &end) : -1;
    if (comma == text || *comma != ',' || end == comma + 1 || *end || !(from >= 0) ||
        !(to > from) || to > 4e9)
        return "invalid xlim_type value, two numbers of seconds are wanted";
    settings->window = true;
    settings->from = (int64_t)(from * 1e9);
    settings->to = (int64_t)(to * 1e9);
    return NULL;
}

static const char *take(void *to, int key, const char *value)
{
    struct settings *settings = to;
    switch (key) {
    case 't':
        settings->title = value;
        break;
    case 'n':
        settings->no_functions = true;
        break;
    case 'o':
        settings->output = value;
        break;
    case 'w':
        return take_window(settings, value);
    case 'f':
        settings->flame = true;
        break;
    case 's':
        settings->slope = true;
        break;
    case KEY_BACKEND:
        settings->backend = value;
        break;
    case KEY_TERMINAL:
        settings->terminal = true;
        break;
    }
    return NULL;
}

/* Everything read and made ready to draw. */
struct plot {
    const struct settings *settings;
    struct mp_profiles profiles;
    struct mp_timeline *timelines; /* owned */
    struct mp_figure_run *runs;    /* owned */
    size_t count;
};

static void tell_no_samples(const char *path)
{
    printf("** No memory usage values have been found in the profile file.**\nFile path: ");
    mp_put_argument(stdout, path);
    printf("\nFile may be empty or invalid.\nIt can be deleted with \"mprof rm ");
    mp_put_argument(stdout, path);
    puts("\"");
}

static int add_run(struct plot *plot, const char *path,
                   const struct mp_figure_options *figure)
{
    struct mp_timeline *timeline = &plot->timelines[plot->count];
    struct mp_figure_run *run = &plot->runs[plot->count];
    int code = mp_profiles_read(timeline, path);
    if (!code && mp_figure_run_init(run, path, timeline, figure)) {
        code = errno == ENODATA ? MP_EXIT_NOTHING : mp_fail("out of memory");
        if (errno == ENODATA)
            tell_no_samples(path);
        mp_figure_run_release(run);
    }
    if (code)
        mp_timeline_release(timeline);
    plot->count += !code;
    return code;
}

static int add_runs(struct plot *plot, size_t buckets, size_t calls)
{
    const struct settings *settings = plot->settings;
    struct mp_figure_options figure = {
        .from = settings->from,
        .to = settings->window ? settings->to : -1,
        .buckets = buckets,
        /* several files: the classic leaves the functions out */
        .functions = !settings->no_functions && plot->profiles.count == 1,
        .calls = calls};
    plot->timelines = calloc(plot->profiles.count, sizeof *plot->timelines);
    plot->runs = calloc(plot->profiles.count, sizeof *plot->runs);
    int code = plot->timelines && plot->runs ? 0 : mp_fail("out of memory");
    for (size_t i = 0; i < plot->profiles.count && !code; i++)
        code = add_run(plot, plot->profiles.names[i], &figure);
    return code;
}

static int draw_terminal(const struct plot *plot)
{
    int width = mp_screen_width();
    struct mp_terminal_options terminal = {.width = width ? width : TERMINAL_COLUMNS,
                                           .height = TERMINAL_ROWS,
                                           .unicode = mp_screen_is_utf8(),
                                           .title = plot->settings->title,
                                           .slope = plot->settings->slope};
    for (size_t i = 0; i < plot->count; i++)
        mp_terminal_figure(stdout, &plot->runs[i], &terminal);
    return MP_EXIT_OK;
}

/* A recording with a default name has its page beside it, x.dat x.html; any other, x.dat.html,
   so that nobody's own x.html is replaced. */
static char *page_name(const char *path)
{
    char *name;
    size_t length = strlen(path);
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    bool ours = !strncmp(base, "mprofile_", 9) && mp_has_suffix(path, ".dat");
    if (asprintf(&name, "%.*s.html", (int)(ours ? length - 4 : length), path) < 0)
        return NULL;
    return name;
}

static int put_page(FILE *out, const void *what)
{
    const struct plot *plot = what;
    struct mp_figure_style style = {plot->settings->title, plot->settings->flame,
                                    plot->settings->slope};
    mp_page_figure(out, plot->runs, plot->count, &style);
    return 0;
}

static int draw_page(const struct plot *plot, const char *output)
{
    if (!mp_page_is_built())
        return mp_fail("this mprof was built without the page; use --terminal or -o x.png");
    char *name = output ? NULL : page_name(plot->profiles.names[0]);
    const char *path = output ? output : name;
    int code = path ? mp_write_page(path, put_page, plot) : mp_fail("out of memory");
    if (!code && !output)
        mp_plot_open(path);
    free(name);
    return code;
}

static int draw(struct plot *plot)
{
    const struct settings *settings = plot->settings;
    const char *output = settings->output;
    bool picture = settings->backend || (output && mp_is_picture(output));
    bool vector =
        output && (mp_has_suffix(output, ".svg") || mp_has_suffix(output, ".pdf"));
    if (!settings->terminal && !picture && output && !mp_has_suffix(output, ".html")) {
        mp_fail("plot: cannot tell what %s is to be; end it in .html, .png, .svg or .pdf",
                output);
        return MP_EXIT_USAGE;
    }
    int code =
        settings->terminal ? add_runs(plot, TERMINAL_BUCKETS, PAGE_CALLS)
        : picture ? add_runs(plot, vector ? VECTOR_BUCKETS : PICTURE_BUCKETS, PICTURE_CALLS)
                  : add_runs(plot, PAGE_BUCKETS, PAGE_CALLS);
    if (code)
        return code;
    if (settings->terminal)
        return draw_terminal(plot);
    struct mp_figure_style style = {settings->title, settings->flame, settings->slope};
    return picture
               ? mp_plot_picture(plot->runs, plot->count, &style, output, settings->backend)
               : draw_page(plot, output);
}

static int run(void *from, int count, char **operands)
{
    struct plot plot = {.settings = from};
    int code = mp_profiles_or_latest(&plot.profiles, count, operands);
    if (!code)
        code = draw(&plot);
    for (size_t i = 0; i < plot.count; i++) {
        mp_figure_run_release(&plot.runs[i]);
        mp_timeline_release(&plot.timelines[i]);
    }
    free(plot.runs);
    free(plot.timelines);
    mp_profiles_release(&plot.profiles);
    return code;
}

const struct mp_command mp_command_plot = {
    "plot",
    "[file|index...]",
    "plot memory consumption generated by mprof run",
    "Plots recordings (the latest when none is given): by default as an interactive page, "
    "opened in a browser when there is one; with -o as a page or, with matplotlib, a picture; "
    "with --terminal in characters. Of a heap capture, resident memory and the heap.",
    MP_OPERANDS_PROFILES,
    options,
    take,
    sizeof(struct settings),
    run,
};
