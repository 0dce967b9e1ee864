/* mprof plot: an interactive page, a picture, or characters. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/timeline/figure.h"
#include "base/output.h"
#include "cmd/recordings/clocks_file.h"
#include "cmd/recordings/read_profile.h"
#include "cmd/recordings/whole.h"
#include "cmd/shared/command.h"
#include "cmd/shared/plot_picture.h"
#include "cmd/shared/profiles.h"
#include "cmd/shared/screen.h"
#include "cmd/shared/write_page.h"
#include "report/timeline/page.h"
#include "report/timeline/terminal.h"
#include "report/timeline/terminal_lanes.h"

enum {
    KEY_BACKEND = 256,
    KEY_TERMINAL,
    KEY_FORCE,
    KEY_CLASSIC,
    KEY_OPEN,
    KEY_CLOCK,
    KEY_OVERLAY
};
enum { PAGE_BUCKETS = 15000, PAGE_CALLS = 20000 };
enum { PICTURE_BUCKETS = 1300, VECTOR_BUCKETS = 800, PICTURE_CALLS = 5000 };
enum { PAGE_COLUMNS = 600, PICTURE_COLUMNS = 400, MOST_LANES = 40 };
enum { TERMINAL_BUCKETS = 4000, TERMINAL_ROWS = 20, TERMINAL_COLUMNS = 80 };

struct settings {
    const char *title, *output, *backend;
    bool no_functions, flame, slope, terminal, window, force, classic, open;
    int64_t from, to;
    struct mp_whole_options whole;
};

static const struct mp_option options[] = {
    {'t', "title", "TITLE", "the title of the plot", NULL},
    {'n', "no-function-ts", NULL, "leave out the functions", NULL},
    {'o', "output", "FILE",
     "write the plot to FILE: .html, .png (also without a suffix), .svg or .pdf", NULL},
    {'w', "window", "FROM,TO", "only this part of the time, in seconds, like 0,20.5", NULL},
    {'f', "flame", NULL, "in a --classic picture: functions stacked by depth, not brackets",
     NULL},
    {'s', "slope", NULL, "draw the trend line and tell its slope", NULL},
    {KEY_BACKEND, "backend", "NAME", "show a window of this matplotlib backend", NULL},
    {KEY_TERMINAL, "terminal", NULL, "plot with characters, on the terminal", NULL},
    {KEY_CLASSIC, "classic", NULL, "draw a picture in the look of memory_profiler 0.61",
     NULL},
    {KEY_OPEN, "open", NULL, "open FILE in a browser", NULL},
    {KEY_CLOCK, "clock", "HOST=SECONDS",
     "the clock of HOST is so much ahead of the others', like node2=+90s; may be repeated",
     NULL},
    {KEY_OVERLAY, "overlay", NULL,
     "several recordings each from its own start, also those of one cluster", NULL},
    {KEY_FORCE, "force", NULL, "replace an existing FILE that is no plot of ours", NULL},
    {0},
};

static const char *take_window(struct settings *settings, const char *text)
{
    char *comma, *end;
    double from = strtod(text, &comma);
    double to = *comma == ',' ? strtod(comma + 1, &end) : -1;
    if (comma == text || *comma != ',' || end == comma + 1 || *end || !(from >= 0) ||
        !(to > from) || to > 4e9)
        return "a window is FROM,TO in seconds from the start, like 0,20.5";
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
    case KEY_FORCE:
        settings->force = true;
        break;
    case KEY_CLASSIC:
        settings->classic = true;
        break;
    case KEY_OPEN:
        settings->open = true;
        break;
    case KEY_CLOCK:
        return mp_whole_take_clock(&settings->whole, value);
    case KEY_OVERLAY:
        settings->whole.overlay = true;
        break;
    }
    return NULL;
}

/* Everything read and made ready to draw. */
struct plot {
    struct settings *settings;
    struct mp_profiles profiles;
    struct mp_timeline *timelines; /* owned */
    const char **files;            /* owned; of each timeline, borrowed from the profiles */
    size_t count;
    struct mp_whole whole;
    struct mp_figure_run *runs; /* owned */
    size_t run_count;
};

static void tell_no_samples(const char *path)
{
    printf("** No memory usage values have been found in the profile file.**\nFile path: ");
    mp_put_argument(stdout, path);
    printf("\nFile may be empty or invalid.\nIt can be deleted with \"mprof rm ");
    mp_put_argument(stdout, path);
    puts("\"");
}

/* Of several, one that cannot be read is said and left out. */
static int read_all(struct plot *plot)
{
    const struct mp_profiles *profiles = &plot->profiles;
    int failed = 0;
    plot->timelines = calloc(profiles->count, sizeof *plot->timelines);
    plot->files = calloc(profiles->count, sizeof *plot->files);
    if (!plot->timelines || !plot->files)
        return mp_fail("out of memory");
    for (size_t i = 0; i < profiles->count; i++) {
        int code = mp_profiles_read(&plot->timelines[plot->count], profiles->names[i]);
        if (code)
            mp_timeline_release(&plot->timelines[plot->count]);
        else
            plot->files[plot->count++] = profiles->names[i];
        failed = code ? code : failed;
    }
    mp_profiles_told();
    plot->profiles.missing |= failed && plot->count;
    return plot->count ? 0 : failed;
}

static int add_run(struct plot *plot, size_t which, const struct mp_figure_options *figure)
{
    struct mp_figure_run *run = &plot->runs[plot->run_count];
    const char *path = plot->files[which];
    int code = 0;
    if (mp_figure_run_init(run, path, &plot->timelines[which], figure)) {
        code = errno == ENODATA ? MP_EXIT_NOTHING : mp_fail("out of memory");
        if (errno == ENODATA)
            tell_no_samples(path);
        mp_figure_run_release(run);
    }
    plot->run_count += !code;
    return code;
}

/* How fine a picture is. */
struct detail {
    size_t buckets, calls, columns;
};

static int make_whole(struct plot *plot, const struct detail *detail)
{
    struct settings *settings = plot->settings;
    struct mp_lanes_options window = {.from = settings->from,
                                      .to = settings->window ? settings->to : -1,
                                      .columns = detail->columns,
                                      .most = MOST_LANES};
    settings->whole.overlay |= settings->classic;
    return mp_whole_init(&plot->whole, plot->timelines, plot->files, plot->count,
                         &settings->whole, &window);
}

static int add_runs(struct plot *plot, const struct detail *detail)
{
    const struct settings *settings = plot->settings;
    const struct mp_whole *whole = &plot->whole;
    size_t shown = whole->is ? whole->drawn_count : plot->count;
    struct mp_figure_options figure = {
        .from = settings->from,
        .to = settings->window ? settings->to : -1,
        .origin = whole->is ? whole->shown.origin : 0,
        .buckets = whole->is && shown ? detail->buckets / shown : detail->buckets,
        /* several files: the classic leaves the functions out */
        .functions = !settings->no_functions && plot->profiles.count == 1,
        .children = plot->count == shown,
        .calls = detail->calls};
    plot->runs = calloc(shown + 1, sizeof *plot->runs);
    int code = plot->runs ? 0 : mp_fail("out of memory");
    for (size_t i = 0; i < shown && !code; i++)
        code = add_run(plot, whole->is ? whole->drawn[i] : i, &figure);
    return code;
}

static int make(struct plot *plot, const struct detail *detail)
{
    int code = read_all(plot);
    if (!code)
        code = make_whole(plot, detail);
    return code ? code : add_runs(plot, detail);
}

static struct mp_figure_style style_of(const struct plot *plot)
{
    const struct settings *settings = plot->settings;
    return (struct mp_figure_style){settings->title, settings->flame, settings->slope,
                                    plot->whole.is ? &plot->whole.shown : NULL};
}

static int screen_columns(void)
{
    int width = mp_screen_width();
    return width ? width : TERMINAL_COLUMNS;
}

static int draw_terminal(const struct plot *plot)
{
    struct mp_terminal_options terminal = {.width = screen_columns(),
                                           .height = TERMINAL_ROWS,
                                           .unicode = mp_screen_is_utf8(),
                                           .title = plot->settings->title,
                                           .slope = plot->settings->slope};
    if (plot->whole.is)
        mp_terminal_lanes(stdout, &plot->whole.shown, &terminal);
    for (size_t i = 0; i < plot->run_count && !plot->whole.is; i++)
        mp_terminal_figure(stdout, &plot->runs[i], &terminal);
    return MP_EXIT_OK;
}

/* A recording with a default name has its page beside it, x.dat x.html; any other, x.dat.html. */
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
    struct mp_figure_style style = style_of(plot);
    mp_page_figure(out, plot->runs, plot->run_count, &style);
    return 0;
}

static int draw_page(const struct plot *plot, const char *output)
{
    if (!mp_page_is_built())
        return mp_fail("this mprof was built without the page; use --terminal or -o x.png");
    char *name = output ? NULL : page_name(plot->profiles.names[0]);
    const char *path = output ? output : name;
    struct mp_page_target target = {path, MP_OUTPUT_SHARED, plot->settings->force};
    for (size_t i = 0; i < plot->profiles.count; i++)
        target.mode &= mp_page_mode(plot->profiles.names[i]);
    int code = path ? mp_write_page(&target, put_page, plot) : mp_fail("out of memory");
    if (!code && (!output || plot->settings->open))
        mp_plot_open(path);
    free(name);
    return code;
}

static int draw(struct plot *plot, const char *output)
{
    const struct settings *settings = plot->settings;
    bool picture = settings->backend || (output && mp_is_picture(output));
    bool vector =
        output && (mp_has_suffix(output, ".svg") || mp_has_suffix(output, ".pdf"));
    if (!settings->terminal && !picture && output && !mp_has_suffix(output, ".html")) {
        mp_fail("plot: cannot tell what %s is to be; end it in .html, .png, .svg or .pdf",
                output);
        return MP_EXIT_USAGE;
    }
    if (settings->classic && !picture) {
        mp_fail("plot: --classic is a look of pictures; name one, as in -o x.png");
        return MP_EXIT_USAGE;
    }
    struct detail characters = {TERMINAL_BUCKETS, PAGE_CALLS,
                                mp_terminal_lane_columns(screen_columns())};
    struct detail pixels = {vector ? VECTOR_BUCKETS : PICTURE_BUCKETS, PICTURE_CALLS,
                            PICTURE_COLUMNS};
    struct detail page = {PAGE_BUCKETS, PAGE_CALLS, PAGE_COLUMNS};
    int code = make(plot, settings->terminal ? &characters : picture ? &pixels : &page);
    if (code)
        return code;
    if (settings->terminal)
        return draw_terminal(plot);
    struct mp_figure_style style = style_of(plot);
    struct mp_plot_target target = {output, settings->backend, settings->force,
                                    settings->classic};
    if (!picture)
        return draw_page(plot, output);
    code = mp_plot_picture(plot->runs, plot->run_count, &style, &target);
    if (!code && output && settings->open)
        mp_plot_open(output);
    return code;
}

/* matplotlib's rule, which the classic's users have: a name without a suffix is a PNG. */
static char *output_name(const char *given)
{
    const char *base = strrchr(given, '/') ? strrchr(given, '/') + 1 : given;
    char *name;
    return asprintf(&name, "%s%s", given, strchr(base, '.') ? "" : ".png") < 0 ? NULL
                                                                               : name;
}

static int run(void *from, int count, char **operands)
{
    struct plot plot = {.settings = from};
    for (int i = 0; i < count; i++)
        mp_clocks_file_read(&plot.settings->whole, operands[i]);
    const char *given = plot.settings->output;
    char *output = given ? output_name(given) : NULL;
    int code = given && !output ? mp_fail("out of memory")
                                : mp_profiles_or_latest(&plot.profiles, count, operands);
    if (!code)
        code = draw(&plot, output);
    if (!code && plot.profiles.missing)
        code = MP_EXIT_FAILURE;
    for (size_t i = 0; i < plot.run_count; i++)
        mp_figure_run_release(&plot.runs[i]);
    mp_whole_release(&plot.whole);
    for (size_t i = 0; i < plot.count; i++)
        mp_timeline_release(&plot.timelines[i]);
    free(output);
    free(plot.files);
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
    "with --terminal in characters. Of a heap capture, resident memory and the heap. Of a folder or of "
    "many recordings of one cluster, all on one clock, with a lane for each worker or host.",
    MP_OPERANDS_PROFILES,
    options,
    take,
    sizeof(struct settings),
    run,
};
