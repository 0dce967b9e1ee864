/* mprof tree: a heap capture from callers to callees. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/heap/measure.h"
#include "cmd/heap/views.h"
#include "cmd/shared/command.h"
#include "report/heap/tree.h"

enum { KEY_PERCENT = 256, KEY_FOLD, DEPTH = 400 };

struct settings {
    int measure;
    double percent;
    bool chosen, measured, fold;
    struct mp_heap_asked asked;
};

static const struct mp_option options[] = {
    MP_HEAP_OPTION_MEASURE_OR_GROWTH,
    {KEY_PERCENT, "min-percent", "PERCENT",
     "callees with less than this share of the whole are one (default: 1)", NULL},
    {KEY_FOLD, "fold-recursion", NULL, "show each function and line of a recursion once",
     NULL},
    MP_HEAP_OPTION_BY_TAG,
    MP_HEAP_OPTION_TAG,
    MP_HEAP_OPTIONS_RANGE,
    MP_HEAP_OPTION_NO_CHILDREN,
    MP_HEAP_OPTION_SCREEN,
    MP_HEAP_OPTION_MINE,
    MP_HEAP_OPTION_JSON,
    {0},
};

static const char *take_percent(struct settings *settings, const char *value)
{
    char *end;
    settings->percent = strtod(value, &end);
    settings->chosen = true;
    bool valid =
        end != value && !*end && settings->percent >= 0 && settings->percent <= 100;
    return valid ? NULL : "not a percentage, 0 to 100";
}

static const char *take(void *to, int key, const char *value)
{
    struct settings *settings = to;
    if (key == KEY_PERCENT)
        return take_percent(settings, value);
    settings->fold |= key == KEY_FOLD;
    settings->measured |= key == MP_HEAP_KEY_MEASURE;
    return key == MP_HEAP_KEY_MEASURE
               ? mp_heap_take_measure_or_growth(&settings->measure, value)
               : mp_heap_asked_take(&settings->asked, key, value);
}

static void print(const struct settings *settings, const struct mp_heap_views *views,
                  const struct mp_flame_calls *calls)
{
    struct mp_heap_tree tree = {.view = &views->run.view,
                                .calls = calls,
                                .measure = (enum mp_heap_measure)settings->measure,
                                .least = settings->chosen ? settings->percent / 100 : 0.01,
                                .own = &views->own,
                                .incomplete = views->run.incomplete,
                                .style = &views->style};
    struct mp_heap_json_options how = mp_heap_views_json(views);
    if (settings->asked.json)
        mp_heap_tree_json(stdout, &tree, &how);
    else
        mp_heap_tree_text(stdout, &tree);
}

static int show(struct mp_heap_views *views, const void *from)
{
    const struct settings *settings = from;
    struct mp_flame flame;
    struct mp_flame_calls calls = {0};
    struct mp_flame_options how = {.most = SIZE_MAX,
                                   .depth = DEPTH,
                                   .fold = settings->fold ? 2 : 0,
                                   .together = true,
                                   .own = &views->own};
    int code = MP_EXIT_OK;
    if (mp_flame_init(&flame, &views->run.view, &how) ||
        mp_flame_calls_init(&calls, &flame, (enum mp_heap_measure)settings->measure))
        code = mp_fail("out of memory");
    else
        print(settings, views, &calls);
    mp_flame_calls_release(&calls);
    mp_flame_release(&flame);
    return code;
}

static int run(void *from, int count, char **operands)
{
    struct settings *settings = from;
    settings->asked.how |= MP_HEAP_NO_LINES;
    int wrong = mp_heap_settle_measure("tree", &settings->asked.range, settings->measured,
                                       &settings->measure);
    return wrong ? wrong
                 : mp_heap_views_show(count, operands, &settings->asked, show, settings);
}

const struct mp_command mp_command_tree = {
    "tree",
    "[file|folder|index...]",
    "print who called what in a heap capture, with all it led to",
    "Prints a heap capture (the newest here when none is given) from callers to callees: what each "
    "allocated with all that it called, its share of the whole, and what of it it allocated "
    "itself.",
    MP_OPERANDS_PROFILES,
    options,
    take,
    sizeof(struct settings),
    run,
};
