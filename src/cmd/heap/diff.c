/* mprof diff: what grew and what shrank between two heap captures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/heap/limit.h"
#include "cmd/heap/measure.h"
#include "cmd/heap/table_types.h"
#include "cmd/heap/views.h"
#include "cmd/shared/command.h"
#include "cmd/shared/pager.h"
#include "cmd/shared/words.h"
#include "cmd/shared/write_page.h"
#include "report/heap/diff.h"
#include "report/heap/diff_page.h"
#include "report/heap/export_parts.h"

enum { KEY_BY = 256, KEY_CSV, KEY_FAIL_OVER, KEY_FORMAT, KEY_FORCE, FRAMES = 12000 };
enum { FORM_TEXT, FORM_GITHUB, FORM_JSON, FORM_CSV };

static const char groups[] = "line your-line function file module process type";
static const char formats[] = "text github";

struct settings {
    struct mp_heap_asked asked;
    int by, measure, form;
    bool by_asked, measured;
    struct mp_heap_limit limit;
    const char *page;
    bool force;
};

static const struct mp_option options[] = {
    {KEY_BY, "by", "WHAT",
     "rows: line (default), your-line, function, file, module, process, or type: what is live at the end",
     groups},
    MP_HEAP_OPTION_MEASURE,
    MP_HEAP_OPTIONS_RANGE,
    {'n', "rows", "N",
     "how many rows that grew, and that shrank, as text (default: 20 of those with half a "
     "percent of it)",
     NULL},
    {KEY_FAIL_OVER, "fail-over", "SIZE",
     "exit with 1 when all, or any row, grew by more: 10MiB, 512K, or 5% of all that BEFORE "
     "has",
     NULL},
    {KEY_FORMAT, "format", "FORM",
     "text (default), or github: annotations at the lines that grew, by your-line",
     formats},
    {'o', "html", "FILE",
     "write a page to FILE too: a flame graph of both, red where it grew, blue where it "
     "shrank",
     NULL},
    {KEY_FORCE, "force", NULL, "replace an existing FILE that is no page of ours", NULL},
    {KEY_CSV, "csv", NULL, "print CSV, in bytes", NULL},
    MP_HEAP_OPTION_NO_CHILDREN,
    MP_HEAP_OPTION_SOURCE_ROOT,
    MP_HEAP_OPTION_MINE,
    MP_HEAP_OPTION_SCREEN,
    MP_HEAP_OPTION_JSON,
    {0},
};

static const char *take_by(struct settings *settings, const char *value)
{
    settings->by = mp_word_of(groups, value);
    settings->by_asked = true;
    return settings->by < 0
               ? "not one of line, your-line, function, file, module, process, type"
               : NULL;
}

static const char *take_format(struct settings *settings, const char *value)
{
    settings->form = mp_word_of(formats, value);
    return settings->form < 0 ? "not one of text, github" : NULL;
}

static const char *take(void *to, int key, const char *value)
{
    struct settings *settings = to;
    switch (key) {
    case KEY_BY:
        return take_by(settings, value);
    case KEY_FORMAT:
        return take_format(settings, value);
    case KEY_CSV:
        settings->form = FORM_CSV;
        return NULL;
    case MP_HEAP_KEY_JSON:
        settings->form = FORM_JSON;
        return NULL;
    case 'o':
        settings->page = value;
        return NULL;
    case KEY_FORCE:
        settings->force = true;
        return NULL;
    case KEY_FAIL_OVER:
        return mp_heap_take_limit(&settings->limit, value);
    case MP_HEAP_KEY_MEASURE:
        settings->measured = true;
        return mp_heap_take_measure(&settings->measure, value);
    default:
        return mp_heap_asked_take(&settings->asked, key, value);
    }
}

static void print_text(const struct settings *settings,
                       const struct mp_heap_diff_view *view)
{
    struct mp_pager pager;
    bool paged = !(settings->asked.how & MP_HEAP_NO_PAGER);
    if (paged)
        mp_pager_begin(&pager);
    mp_heap_diff_text(stdout, view);
    if (paged)
        mp_pager_end(&pager);
}

static void print(const struct settings *settings, const struct mp_heap_diff_view *view)
{
    char *here = NULL;
    switch (settings->form) {
    case FORM_JSON:
        mp_heap_diff_json(stdout, view);
        break;
    case FORM_CSV:
        mp_heap_diff_csv(stdout, view);
        break;
    case FORM_GITHUB:
        here = getenv("GITHUB_WORKSPACE") ? strdup(getenv("GITHUB_WORKSPACE"))
                                          : getcwd(NULL, 0);
        mp_heap_diff_github(stdout, view, here);
        break;
    default:
        print_text(settings, view);
    }
    free(here);
}

static int put_page(FILE *out, const void *what)
{
    return mp_heap_diff_page(out, what);
}

/* Returns the exit code, and why was said. It is private where one of the captures is. */
static int write_page(const struct settings *settings, const struct mp_heap_views views[],
                      const struct mp_heap_diff_view *view)
{
    struct mp_diff_flame flame;
    struct mp_heap_diff_page page = {view, &flame};
    struct mp_page_target target = {.path = settings->page,
                                    .mode = mp_page_mode(views[0].path) &
                                            mp_page_mode(views[1].path),
                                    .force = settings->force};
    int code = mp_diff_flame_init(&flame, view->diff, FRAMES)
                   ? mp_fail("out of memory")
                   : mp_write_page(&target, put_page, &page);
    mp_diff_flame_release(&flame);
    return code;
}

/* Where what is printed has no room for it. */
static void note_unlike(const struct mp_heap_diff_view *view)
{
    char *text = NULL, *at, *line;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out) {
        mp_heap_diff_unlike(out, view);
        fclose(out);
    }
    for (line = text ? strtok_r(text, "\n", &at) : NULL; line;
         line = strtok_r(NULL, "\n", &at))
        mp_note("%s", line);
    free(text);
}

static void say_over(const struct mp_heap_diff_view *view,
                     const struct mp_heap_difference *change)
{
    char growth[MP_HEAP_FIGURE], *name = NULL;
    size_t size;
    FILE *out = open_memstream(&name, &size);
    if (!out)
        return;
    if (change == &view->diff->whole)
        fputs("all", out);
    else
        mp_heap_difference_put(out, view, change, 0);
    fclose(out);
    mp_note("%s grew by %s, more than --fail-over allows", name,
            mp_heap_growth(change->growth, growth) + 1);
    free(name);
}

/* The exit code: 1, and what grew by too much was said, the largest few. */
static int check_limit(const struct mp_heap_diff_view *view)
{
    enum { SAID = 3 };
    const struct mp_heap_diff *diff = view->diff;
    size_t over = 0;
    bool all = mp_heap_diff_is_over(view, &diff->whole);
    for (size_t i = 0; i < diff->grew; i++)
        over += mp_heap_diff_is_over(view, &diff->changes[i]);
    if (all)
        say_over(view, &diff->whole);
    for (size_t i = 0; i < over && i < SAID; i++) /* they grew most, and are the first */
        say_over(view, &diff->changes[i]);
    if (over > SAID)
        mp_note("and %zu more did", over - SAID);
    return all || over ? MP_EXIT_FAILURE : MP_EXIT_OK;
}

/* With the commands behind them, which are compared without folders. */
static struct mp_heap_diff_process *processes_of(const struct mp_heap_processes *processes)
{
    size_t count = processes->count;
    struct mp_heap_diff_process *list = calloc(count + 1, sizeof *list + MP_HEAP_COMMAND);
    if (!list)
        return NULL;
    char *command = (char *)(list + count + 1);
    for (size_t i = 0; i < count; i++, command += MP_HEAP_COMMAND) {
        mp_heap_diff_command(command, processes->processes[i].command);
        list[i] = (struct mp_heap_diff_process){command, processes->processes[i].sum};
    }
    return list;
}

static int diff_processes(struct mp_heap_diff *diff, struct mp_heap_views *views,
                          const struct mp_heap_side sides[], enum mp_heap_measure measure)
{
    struct mp_heap_diff_process *lists[MP_HEAP_SIDES] = {NULL};
    size_t counts[MP_HEAP_SIDES] = {0};
    int failed = 0;
    for (int side = 0; side < MP_HEAP_SIDES && !failed; side++) {
        failed = mp_heap_run_list(&views[side].run, views[side].path);
        lists[side] = failed ? NULL : processes_of(&views[side].run.processes);
        counts[side] = views[side].run.processes.count;
        failed = lists[side] ? 0 : -1;
    }
    if (!failed)
        failed = mp_heap_diff_processes(diff, sides,
                                        (const struct mp_heap_diff_process *const *)lists,
                                        counts, measure);
    free(lists[0]);
    free(lists[1]);
    return failed;
}

/* Whether this side is the earlier one of two moments of one run. */
static bool is_earlier(const struct mp_heap_views views[], int side)
{
    const struct mp_heap_range *its = views[side].run.view.range;
    const struct mp_heap_range *other = views[!side].run.view.range;
    return its && other && !strcmp(views[0].path, views[1].path) &&
           its->to.time < other->to.time;
}

static int show(struct settings *settings, struct mp_heap_views *views)
{
    struct mp_heap_side sides[MP_HEAP_SIDES];
    struct mp_heap_diff diff = {0};
    struct mp_heap_diff_view view = {
        .diff = &diff, .most = settings->asked.most, .limit = settings->limit};
    enum mp_heap_measure measure = (enum mp_heap_measure)settings->measure;
    for (int side = 0; side < MP_HEAP_SIDES; side++) {
        struct mp_heap_views *its = &views[side];
        sides[side] =
            (struct mp_heap_side){&its->run.view, &its->own,    its->lines.stacks.lines,
                                  mp_source_line, &its->source, is_earlier(views, side)};
        view.sides[side] = (struct mp_heap_diff_side){its->path, its->run.incomplete,
                                                      &its->run.processes, its->style};
    }
    bool processes = settings->by == MP_HEAP_DIFF_PROCESS;
    int failed = processes ? diff_processes(&diff, views, sides, measure)
                           : mp_heap_diff_init(&diff, sides,
                                               (enum mp_heap_diff_by)settings->by, measure);
    int code = failed ? mp_fail("out of memory") : MP_EXIT_OK;
    if (!failed) {
        print(settings, &view);
        if (settings->form == FORM_CSV || settings->form == FORM_GITHUB)
            note_unlike(&view);
        code = settings->page ? write_page(settings, views, &view) : MP_EXIT_OK;
        int over = check_limit(&view);
        code = code ? code : over;
    }
    mp_heap_diff_release(&diff);
    return code;
}

/* FILE@WHEN, unless a file has that whole name: cuts it, and asks for that moment. NULL, or what is
   wrong. */
static const char *take_moment(char *operand, struct mp_heap_asked_range *range)
{
    char *at = strrchr(operand, '@');
    if (!at || !access(operand, F_OK))
        return NULL;
    *at = 0;
    *range = (struct mp_heap_asked_range){0};
    return mp_heap_range_take(range, MP_HEAP_KEY_AT, at + 1);
}

/* Of one capture the two ends of what was asked. */
static void take_ends(struct mp_heap_asked asked[], const struct mp_heap_asked_range *range)
{
    for (int side = 0; side < MP_HEAP_SIDES; side++)
        asked[side].range = (struct mp_heap_asked_range){
            .what = MP_HEAP_ASKED_AT, .wanted = {{0}, range->wanted[side]}};
}

/* The moments that operands name; beside one without, the other one's peak is a moment too. Returns what
   is wrong, or NULL. */
static const char *take_moments(struct mp_heap_asked asked[], char *operands[])
{
    const char *wrong = NULL;
    for (int side = 0; side < MP_HEAP_SIDES && !wrong; side++)
        wrong = take_moment(operands[side], &asked[side].range);
    for (int side = 0; side < MP_HEAP_SIDES && !wrong; side++)
        if (asked[!side].range.what && !asked[side].range.what)
            wrong = mp_heap_range_take(&asked[side].range, MP_HEAP_KEY_AT, "peak");
    return wrong;
}

/* Returns the exit code, and why was said; both are released by the caller. */
static int open_both(const struct settings *settings, struct mp_heap_views views[],
                     int count, char **operands)
{
    struct mp_heap_asked asked[] = {settings->asked, settings->asked};
    bool ends = settings->asked.range.what == MP_HEAP_ASKED_GROWTH;
    char *names[] = {strdup(operands[0]), strdup(operands[count - 1])};
    int code = names[0] && names[1] ? MP_EXIT_OK : mp_fail("out of memory");
    const char *wrong = code || ends ? NULL : take_moments(asked, names);
    if (ends)
        take_ends(asked, &settings->asked.range);
    bool moments = asked[0].range.what || asked[1].range.what;
    if (wrong)
        code = mp_fail("diff: %s: '%s' and '%s'", wrong, operands[0], operands[count - 1]);
    else if (!code && moments && settings->measure != MP_HEAP_MEASURE_PEAK &&
             settings->by != MP_HEAP_DIFF_TYPE)
        code = mp_fail("diff: what was held at moments is compared: leave out --measure %s",
                       mp_heap_measure_names[settings->measure]);
    for (int side = 0; side < MP_HEAP_SIDES && !code; side++)
        code = mp_heap_views_init(&views[side], 1, &names[side], &asked[side]);
    free(names[0]);
    free(names[1]);
    return code;
}

/* 0, or the exit code, and why was said. */
static int check_operands(const struct settings *settings, int count, char **operands)
{
    bool ends = settings->asked.range.what == MP_HEAP_ASKED_GROWTH;
    int code = mp_heap_check_operands(
        "diff", ends ? "one capture with --since or --between" : "two captures",
        ends ? 1 : 2, count, operands);
    if (code || count == (ends ? 1 : 2))
        return code;
    mp_fail("diff: takes two captures, BEFORE and AFTER, or one and --between FROM,TO, was "
            "given %s; see 'mprof help diff'",
            count ? "one" : "none");
    return MP_EXIT_USAGE;
}

/* 0, or the exit code, and why was said. */
static int check_page(const struct settings *settings)
{
    if (!settings->page)
        return 0;
    if (!mp_heap_diff_page_is_built())
        return mp_fail("this mprof was built without the page; leave out --html");
    if (mp_is_picture(settings->page))
        mp_fail("diff: makes pages, not pictures: end %s in .html", settings->page);
    else if (settings->by >= MP_HEAP_DIFF_PROCESS)
        mp_fail("diff: a page is of stacks, not --by process or type");
    else
        return 0;
    return MP_EXIT_USAGE;
}

/* Of one process, at two moments: of a running one both were read with the same stacks. */
static bool is_one_capture(const struct mp_heap_views views[])
{
    const struct mp_heap_view *first = &views[0].run.capture.view,
                              *second = &views[1].run.capture.view;
    return !strcmp(views[0].path, views[1].path) && !views[0].run.view.processes &&
           first->counts[MP_HEAP_NODES] == second->counts[MP_HEAP_NODES];
}

/* What blocks are is known of what is live. 0, or the exit code, and why was said. */
static int settle_types(struct settings *settings)
{
    if (settings->by != MP_HEAP_DIFF_TYPE)
        return 0;
    if (settings->measured && settings->measure != MP_HEAP_MEASURE_LIVE) {
        mp_fail("diff: types are of what is live: leave out --measure %s",
                mp_heap_measure_names[settings->measure]);
        return MP_EXIT_USAGE;
    }
    settings->measure = MP_HEAP_MEASURE_LIVE;
    return 0;
}

static int run(void *from, int count, char **operands)
{
    struct settings *settings = from;
    struct mp_heap_views views[MP_HEAP_SIDES] = {0};
    int code = check_operands(settings, count, operands);
    code = code ? code : settle_types(settings);
    if (code)
        return code;
    if (settings->form == FORM_GITHUB && !settings->by_asked)
        settings->by = MP_HEAP_DIFF_YOUR_LINE;
    if ((code = check_page(settings)))
        return code;
    settings->asked.how |=
        MP_HEAP_TOGETHER | (settings->by == MP_HEAP_DIFF_TYPE ? MP_HEAP_TYPES_AT : 0);
    code = open_both(settings, views, count, operands);
    for (int side = 0; side < MP_HEAP_SIDES && !code; side++)
        if (settings->by == MP_HEAP_DIFF_TYPE)
            code = mp_heap_check_types(&views[side]);
    if (!code && is_one_capture(views))
        mp_heap_shown_level(&views[0].run.shown, &views[1].run.shown,
                            &views[0].run.capture.view);
    if (!code)
        code = show(settings, views);
    mp_heap_views_release(&views[0]);
    mp_heap_views_release(&views[1]);
    return code;
}

const struct mp_command mp_command_diff = {
    "diff",
    "before[@when] after[@when]",
    "print what grew and what shrank between two heap captures",
    "Compares two heap captures, files or indices, BEFORE and AFTER: what grew most comes first, then what "
    "shrank. A capture may be taken at a moment, run.mprof@warm or run.mprof@12.5s, and one capture at two, "
    "--between warm,end. Lines are the same when their function and their text are, wherever they moved to, and "
    "files when their package is, in whatever folder it lies.",
    MP_OPERANDS_PROFILES,
    options,
    take,
    sizeof(struct settings),
    run,
};
