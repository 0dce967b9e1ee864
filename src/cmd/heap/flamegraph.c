/* mprof flamegraph: a heap capture as a page to look into. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aggregate/heap/flame.h"
#include "aggregate/heap/rows.h"
#include "cmd/heap/views.h"
#include "cmd/heap/whose.h"
#include "cmd/shared/command.h"
#include "cmd/shared/plot_picture.h"
#include "cmd/shared/write_page.h"
#include "report/heap/page.h"

/* What a browser draws at once, and a reader can follow. */
enum {
    KEY_PERCENT = 256,
    KEY_FULL,
    KEY_FOLD,
    KEY_FORCE,
    KEY_INVERTED,
    KEY_OPEN,
    FRAMES = 12000,
    MORE_FRAMES = 8000,  /* of each other graph: with callers below, with cycles in full */
    WITHOUT_MOMENTS = 3, /* start, peak and end are instants of any capture */
    CYCLES = 4,          /* that a stack runs so many times are drawn once */
    DEPTH = 400,
    ROWS = 500
};

struct settings {
    struct mp_heap_asked asked;
    const char *output, *title;
    double percent;
    bool chosen, full, fold, force, inverted, open;
    struct mp_heap_asked_range range;
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
    MP_HEAP_OPTION_BY_TAG,
    MP_HEAP_OPTION_TAG,
    MP_HEAP_OPTIONS_RANGE,
    MP_HEAP_OPTION_NO_CHILDREN,
    MP_HEAP_OPTION_MINE,
    {KEY_FOLD, "fold-recursion", NULL,
     "draw each recursion once, also one that no stack repeats more than three times",
     NULL},
    {KEY_INVERTED, "inverted", NULL,
     "begin with the lines that allocated, their callers below them", NULL},
    MP_HEAP_OPTION_SOURCE_ROOT,
    {KEY_OPEN, "open", NULL, "open FILE in a browser", NULL},
    {KEY_FORCE, "force", NULL, "replace an existing FILE that is no page of ours", NULL},
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
    case KEY_INVERTED:
        settings->inverted = true;
        return NULL;
    case KEY_FORCE:
        settings->force = true;
        return NULL;
    case KEY_OPEN:
        settings->open = true;
        return NULL;
    case KEY_FULL:
        settings->full = true;
        settings->percent = 0;
        return NULL;
    case KEY_PERCENT:
        settings->percent = strtod(value, &end);
        settings->chosen = true;
        return end != value && !*end && settings->percent >= 0 && settings->percent <= 100
                   ? NULL
                   : "not a percentage, 0 to 100";
    default:
        if (mp_heap_range_is_key(key))
            return mp_heap_range_take(&settings->range, key, value);
        return mp_heap_asked_take(&settings->asked, key, value);
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
    struct mp_page_target target = {path, mp_page_mode(page->name), settings->force};
    return mp_write_page(&target, put_page, page);
}

static const double CYCLES_SHARE = 0.01; /* that is worth a second graph, of any measure */

struct graphs {
    struct mp_flame flames[MP_HEAP_GRAPHS];
    struct mp_flame_moments moments[MP_HEAP_GRAPHS];
    struct mp_flame_members members[MP_HEAP_GRAPHS];
    struct mp_flame_types types[MP_HEAP_GRAPHS];
    struct mp_heap_censuses censuses;
    struct mp_heap_instant instants[MP_HEAP_INSTANTS];
    struct mp_heap_processes groups; /* of processes, where they are groups */
    size_t *groups_of;               /* owned: of each process; NULL: there is one alone */
    struct mp_heap_spread spread;
    struct mp_heap_page *page; /* that shows them */
    const struct mp_heap_views *views;
};

static void flames_release(struct graphs *graphs)
{
    for (size_t i = 0; i < MP_HEAP_GRAPHS; i++) {
        mp_flame_release(&graphs->flames[i]);
        mp_flame_moments_release(&graphs->moments[i]);
        mp_flame_members_release(&graphs->members[i]);
        mp_flame_types_release(&graphs->types[i]);
    }
}

static void release(struct graphs *graphs)
{
    flames_release(graphs);
    mp_heap_spread_release(&graphs->spread);
    mp_heap_censuses_release(&graphs->censuses);
    mp_heap_processes_release(&graphs->groups);
    free(graphs->groups_of);
}

/* What the graph that was made last held at each moment, or in each process, and of which types; its places are not asked for again. */
static int add_held(struct graphs *graphs, const struct mp_heap_view *view)
{
    struct mp_heap_page *page = graphs->page;
    size_t number = page->graph_count++;
    struct mp_flame *flame = &graphs->flames[number];
    int failed = 0;
    page->graphs[number] = flame;
    if (page->instant_count) {
        page->moments[number] = &graphs->moments[number];
        failed = mp_flame_moments_init(&graphs->moments[number], view, flame,
                                       page->instants, page->instant_count);
    }
    if (page->processes && !failed) {
        page->members[number] = &graphs->members[number];
        failed = mp_flame_members_init(&graphs->members[number], &graphs->views->run.merge,
                                       flame, graphs->groups_of, page->processes->count);
    }
    if (graphs->censuses.count && !failed) {
        page->typed[number] = &graphs->types[number];
        failed = mp_flame_types_init(&graphs->types[number], &graphs->censuses, flame);
    }
    free(flame->places);
    flame->places = NULL;
    return failed;
}

static int add_both_ways(struct graphs *graphs, const struct mp_heap_view *view,
                         const struct settings *settings, uint32_t fold)
{
    struct mp_heap_page *page = graphs->page;
    struct mp_flame *both = &graphs->flames[page->graph_count];
    bool all = settings->full || settings->chosen;
    struct mp_flame_options how = {.fold = fold,
                                   .least = settings->percent / 100,
                                   .most = all                 ? SIZE_MAX
                                           : page->graph_count ? MORE_FRAMES
                                                               : FRAMES,
                                   .most_inverted = all ? SIZE_MAX : MORE_FRAMES,
                                   .depth = DEPTH,
                                   .placed = true,
                                   .own = &graphs->views->own,
                                   .stacks = &graphs->views->lines.stacks};
    if (mp_flame_init_both(both, view, &how))
        return -1;
    return both->count ? add_held(graphs, view) || add_held(graphs, view) : 0;
}

/* Where there are cycles that show, each way with and without them. */
static int add_graphs(struct graphs *graphs, const struct mp_heap_view *view,
                      const struct settings *settings)
{
    uint32_t fold = settings->fold ? 2 : CYCLES;
    double least = settings->fold ? 0 : CYCLES_SHARE;
    if (add_both_ways(graphs, view, settings, fold))
        return -1;
    if (graphs->flames[0].folded <= least) {
        flames_release(graphs);
        graphs->page->graph_count = 0;
    }
    return add_both_ways(graphs, view, settings, 0);
}

static int position_of(const struct graphs *graphs, const struct mp_heap_instant *wanted)
{
    for (size_t i = 0; i < graphs->page->instant_count; i++) {
        const struct mp_heap_instant *instant = &graphs->instants[i];
        if (instant->when == wanted->when && instant->index == wanted->index)
            return (int)i;
    }
    return -1;
}

/* Of one process with moments: it is they that the page can show. Returns 0, or the exit code. */
static int find_instants(struct graphs *graphs, const struct settings *settings,
                         const struct mp_heap_views *views)
{
    struct mp_heap_page *page = graphs->page;
    const struct mp_heap_view *view = &views->run.view;
    size_t count = view->processes > 1 ? 0 : mp_heap_instants(view, graphs->instants);
    page->known = count;
    if (!count) /* what they are in all is known of the end */
        graphs->instants[page->known++].when = MP_HEAP_WHEN_END;
    page->instants = graphs->instants;
    page->instant_count = count > WITHOUT_MOMENTS || settings->range.what ? count : 0;
    page->from = page->to = -1;
    if (!settings->range.what)
        return 0;
    if (!count)
        return mp_fail("%s: the page of several processes shows their peaks and ends, no "
                       "moments; --no-children shows those of the first",
                       views->path);
    struct mp_heap_asked_range asked = settings->range;
    struct mp_heap_range range;
    mp_heap_range_look(&asked, view);
    int code = mp_heap_range_find(&asked, view, views->path, &range);
    if (code)
        return code;
    page->to = position_of(graphs, &range.to);
    page->from = range.is_at ? -1 : position_of(graphs, &range.from);
    return 0;
}

/* Where several processes differ; what was allocated under some tags alone is not told apart by them. 0, or -1
   with errno ENOMEM. */
static int find_members(struct graphs *graphs, const struct settings *settings)
{
    const struct mp_heap_views *views = graphs->views;
    const struct mp_heap_processes *list = &views->run.processes;
    struct mp_heap_page *page = graphs->page;
    if (list->count < 2 || settings->asked.tag)
        return 0;
    graphs->groups_of = mp_heap_group(&graphs->groups, list, mp_heap_usual_whose(list));
    if (!graphs->groups_of)
        return -1;
    page->processes = graphs->groups.count ? &graphs->groups : list;
    page->spread = &graphs->spread;
    page->each = list;
    page->member_of = graphs->groups_of;
    return mp_heap_spread_init(&graphs->spread, &views->run.merge, &views->lines,
                               graphs->groups_of, page->processes->count);
}

static int draw(const struct settings *settings, struct mp_heap_views *views,
                const char *path)
{
    struct mp_heap_rows rows = {0};
    struct mp_heap_your_lines yours = {0};
    const struct mp_heap_view *view = &views->run.view;
    struct mp_heap_page page = {.name = views->path,
                                .incomplete = views->run.incomplete,
                                .inverted = settings->inverted,
                                .rows = &rows,
                                .yours = &yours,
                                .paths = &views->paths,
                                .source = mp_source_line,
                                .context = &views->source};
    struct graphs graphs = {.page = &page, .views = views};
    page.censuses = &graphs.censuses;
    int code = find_instants(&graphs, settings, views);
    if (code)
        return code;
    if (mp_heap_censuses_init(&graphs.censuses, view, page.instants, page.known) ||
        find_members(&graphs, settings) || add_graphs(&graphs, view, settings) ||
        mp_heap_your_lines_init(&yours, view, &views->lines) ||
        mp_heap_rows_init(&rows, view, &views->lines, MP_HEAP_EACH_LINE)) {
        code = mp_fail("out of memory");
    } else {
        mp_heap_rows_drop_callers(&rows);
        mp_heap_rows_sort(&rows, MP_HEAP_SHARE);
        mp_heap_your_lines_sort(&yours, view, MP_HEAP_BY_PEAK);
        code = write_page(settings, &page, path);
    }
    mp_heap_rows_release(&rows);
    mp_heap_your_lines_release(&yours);
    release(&graphs);
    return code;
}

/* Beside the capture, or the folder; several that were named are none of these. */
static char *usual_name(const char *path)
{
    char *name;
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    if (access(path, F_OK) && errno != ENOTDIR)
        return strdup("mprof_heaps.html");
    return asprintf(&name, "%.*s.html", (int)length, path) < 0 ? NULL : name;
}

static int show(struct mp_heap_views *views, const void *from)
{
    const struct settings *settings = from;
    if (settings->output) {
        int drawn = draw(settings, views, settings->output);
        if (!drawn && settings->open)
            mp_plot_open(settings->output);
        return drawn;
    }
    char *name = usual_name(views->path);
    if (!name)
        return mp_fail("out of memory");
    int code = draw(settings, views, name);
    if (!code)
        mp_plot_open(name);
    free(name);
    return code;
}

static int run(void *from, int count, char **operands)
{
    struct settings *settings = from;
    if (settings->output && mp_is_picture(settings->output)) {
        mp_fail("flamegraph: makes pages, not pictures: end %s in .html", settings->output);
        return MP_EXIT_USAGE;
    }
    if (!mp_heap_page_is_built())
        return mp_fail("this mprof was built without the page; use 'mprof table'");
    settings->asked.how |= MP_HEAP_TOGETHER | MP_HEAP_NO_PAGER | MP_HEAP_SHARES;
    return mp_heap_views_show(count, operands, &settings->asked, show, settings);
}

const struct mp_command mp_command_flamegraph = {
    "flamegraph",
    "[file|folder|index...]",
    "draw a heap capture: flame graph, timeline and lines, as a page",
    "Writes a heap capture (the newest here when none is given) as one page that needs nothing else, and opens it in a browser when "
    "there is one and no -o: what held the peak, what is still live, what was allocated in "
    "all and what was temporary, as a flame graph, over time and by line.",
    MP_OPERANDS_PROFILES,
    options,
    take,
    sizeof(struct settings),
    run,
};
