/* mprof stats: a heap capture in counts. */
#include <stdio.h>

#include "cmd/heap/views.h"
#include "cmd/shared/command.h"
#include "report/heap/stats.h"

enum { USUAL_LINES = 5 };

struct settings {
    struct mp_heap_asked asked;
};

static const struct mp_option options[] = {
    {'n', "lines", "N", "how many lines in each list (default: 5)", NULL},
    {MP_HEAP_KEY_AT, "at", "WHEN",
     "count what was live at this moment: 12.5s, peak, end, or a mark's name", NULL},
    MP_HEAP_OPTION_NO_CHILDREN,
    MP_HEAP_OPTION_SCREEN,
    MP_HEAP_OPTION_JSON,
    {0},
};

static const char *take(void *to, int key, const char *value)
{
    struct settings *settings = to;
    return mp_heap_asked_take(&settings->asked, key, value);
}

static int show(struct mp_heap_views *views, const void *from)
{
    const struct settings *settings = from;
    struct mp_heap_sizes sizes;
    struct mp_heap_rows rows;
    mp_heap_sizes_count(&sizes, &views->run.view);
    if (mp_heap_rows_init(&rows, &views->run.view, &views->lines, MP_HEAP_EACH_LINE))
        return mp_fail("out of memory");
    mp_heap_rows_drop_callers(&rows);
    struct mp_heap_stats stats = {.view = &views->run.view,
                                  .sizes = &sizes,
                                  .rows = &rows,
                                  .most = settings->asked.most ? settings->asked.most
                                                               : USUAL_LINES,
                                  .incomplete = views->run.incomplete,
                                  .style = &views->style};
    struct mp_heap_json_options how = mp_heap_views_json(views);
    if (settings->asked.json)
        mp_heap_stats_json(stdout, &stats, &how);
    else
        mp_heap_stats_text(stdout, &stats);
    mp_heap_rows_release(&rows);
    return MP_EXIT_OK;
}

static int run(void *from, int count, char **operands)
{
    struct settings *settings = from;
    settings->asked.how |= MP_HEAP_UNCALLED | (settings->asked.json ? 0 : MP_HEAP_TOGETHER);
    return mp_heap_views_show(count, operands, &settings->asked, show, settings);
}

const struct mp_command mp_command_stats = {
    "stats",
    "[file|folder|index...]",
    "print how many blocks a heap capture has, how large, and from where",
    "Prints a heap capture (the newest here when none is given) in counts: blocks, their sizes by "
    "powers of two, how many were temporary, and the lines that allocated most and most "
    "often. With --at, what was live at a moment.",
    MP_OPERANDS_PROFILES,
    options,
    take,
    sizeof(struct settings),
    run,
};
