/* mprof flamegraph: a heap capture as a page to look into. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/flame.h"
#include "aggregate/heap_rows.h"
#include "cmd/command.h"
#include "cmd/heap_views.h"
#include "cmd/plot_picture.h"
#include "cmd/write_page.h"
#include "report/heap_page.h"

/* What a browser draws at once, and a reader can follow. */
enum {
    KEY_PERCENT = 256,
    KEY_FULL,
    KEY_FOLD,
    KEY_NO_CHILDREN,
    FRAMES = 12000,
    DEPTH = 400,
    ROWS = 500
};

struct settings {
    const char *output, *title;
    double percent;
    bool chosen, full, fold, alone;
};

static const struct mp_option options[] = {
    {'o', "output", "FILE",
     "write the page to FILE (default: the capture's name and .html)", NULL},
    {'t', "title", "TITLE", "the title of the page", NULL},
    {KEY_PERCENT, "min-percent", "PERCENT",
     "merge stacks below this share of the peak, the live bytes, the total and the temporary "
     "blocks (default: what leaves at most 12000 frames)",
     NULL},
    {KEY_FULL, "full", NULL, "merge nothing: every stack to 400 frames, and every line",
     NULL},
    {KEY_NO_CHILDREN, "no-children", NULL, "show the first process alone", NULL},
    {KEY_FOLD, "fold-recursion", NULL,
     "draw a function that calls itself from one line as one frame", NULL},
    {0},
};

static const char *take(void *to, int key, const char *value)
{
    struct settings *settings = to;
    char *end;
    switch (key) {
    case 'o':
        settings->output = value;
        return NULL;
    case 't':
        settings->title = value;
        return NULL;
    case KEY_FOLD:
        settings->fold = true;
        return NULL;
    case KEY_NO_CHILDREN:
        settings->alone = true;
        return NULL;
    case KEY_FULL:
        settings->full = true;
        settings->percent = 0;
        return NULL;
    default:
        settings->percent = strtod(value, &end);
        settings->chosen = true;
        return end != value && !*end && settings->percent >= 0 && settings->percent <= 100
                   ? NULL
                   : "not a percentage, 0 to 100";
    }
}

static int put_page(FILE *out, const void *what)
{
    return mp_heap_page(out, what);
}

static int write_page(const struct settings *settings, struct mp_heap_page *page,
                      const char *path)
{
    page->title = settings->title;
    page->most = settings->full ? SIZE_MAX : ROWS;
    return mp_write_page(path, put_page, page);
}

static int draw(const struct settings *settings, struct mp_heap_views *views,
                const char *path)
{
    struct mp_flame flame;
    struct mp_heap_rows rows;
    const struct mp_heap_view *view = &views->run.view;
    struct mp_flame_options how = {.least = settings->percent / 100,
                                   .most = settings->full || settings->chosen ? SIZE_MAX
                                                                              : FRAMES,
                                   .depth = DEPTH,
                                   .fold = settings->fold};
    if (mp_flame_init(&flame, view, &how))
        return mp_fail("out of memory");
    mp_heap_rows_init(&rows, view, &views->lines, MP_HEAP_EACH_LINE);
    mp_heap_rows_sort(&rows, MP_HEAP_SHARE);
    struct mp_heap_page page = {.name = views->path,
                                .incomplete = views->run.incomplete,
                                .flame = &flame,
                                .rows = &rows,
                                .paths = &views->paths,
                                .source = mp_source_line,
                                .context = &views->source};
    int code = write_page(settings, &page, path);
    mp_heap_rows_release(&rows);
    mp_flame_release(&flame);
    return code;
}

static int show(const struct settings *settings, struct mp_heap_views *views)
{
    char *name = NULL;
    if (settings->output)
        return draw(settings, views, settings->output);
    if (asprintf(&name, "%s.html", views->path) < 0)
        return mp_fail("out of memory");
    int code = draw(settings, views, name);
    if (!code)
        mp_plot_open(name);
    free(name);
    return code;
}

static int run(void *from, int count, char **operands)
{
    const struct settings *settings = from;
    struct mp_heap_views views;
    if (count > 1) {
        mp_fail("flamegraph: takes one capture, was also given '%s'; see 'mprof help "
                "flamegraph'",
                operands[1]);
        return MP_EXIT_USAGE;
    }
    if (settings->output && mp_is_picture(settings->output)) {
        mp_fail("flamegraph: makes pages, not pictures: end %s in .html", settings->output);
        return MP_EXIT_USAGE;
    }
    if (!mp_heap_page_is_built())
        return mp_fail("this mprof was built without the page; use 'mprof table'");
    unsigned how = MP_HEAP_TOGETHER | (settings->alone ? MP_HEAP_ALONE : 0);
    int code = mp_heap_views_init(&views, count ? operands[0] : NULL, how);
    if (!code)
        code = show(settings, &views);
    mp_heap_views_release(&views);
    return code;
}

const struct mp_command mp_command_flamegraph = {
    "flamegraph",
    "[file|index]",
    "draw a heap capture: flame graph, timeline and lines, as a page",
    "Writes a heap capture (the newest here when none is given) as one page that needs nothing else, and opens it in a browser when "
    "there is one and no -o: what held the peak, what is still live, what was allocated in "
    "all and what was freed at once, as a flame graph, over time and by line.",
    MP_OPERANDS_PROFILES,
    options,
    take,
    sizeof(struct settings),
    run,
};
