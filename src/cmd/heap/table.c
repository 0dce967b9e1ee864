/* mprof table: a heap capture's figures by line, function, file, module, process or thread. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/heap/rows.h"
#include "cmd/heap/table_types.h"
#include "cmd/heap/views.h"
#include "cmd/heap/whose.h"
#include "cmd/shared/command.h"
#include "cmd/shared/words.h"
#include "report/heap/spread.h"
#include "report/heap/table.h"

enum {
    KEY_BY = 256,
    KEY_SORT,
    KEY_CSV,
    KEY_JSON,
    KEY_SPREAD,
    USUAL_ROWS = 30,
    BY_THREAD = MP_HEAP_EACH_TAG + 1,
    BY_TYPE,
    BY_LINE_TYPE
};

static const char groups[] =
    "line your-line function file module process host worker rank tag thread type line,type";
static const char columns[] = "peak total live allocated allocations temporary growth";

struct settings {
    struct mp_heap_asked asked;
    int by, sort; /* positions in the words above */
    bool sorted, spread;
    size_t most;
    enum mp_heap_table_form form;
};

static const struct mp_option options[] = {
    {KEY_BY, "by", "WHAT",
     "rows: line (default), your-line (with what libraries allocated for it), function, file, "
     "module, process, host, worker, rank, tag, thread, type (what is live at the end, or --at a mark or the peak) or "
     "line,type",
     groups},
    {KEY_SORT, "sort", "COLUMN",
     "peak (default), total (at the peak, with callees), live, allocated, allocations, "
     "temporary, or growth (default with --since)",
     columns},
    {KEY_SPREAD, "spread", NULL,
     "where those of --by process, host, worker or rank differ: by line, the most that one held at its peak and the "
     "median",
     NULL},
    {'n', "rows", "N",
     "how many rows (default: 30 of those with half a percent as text, else all)", NULL},
    {KEY_CSV, "csv", NULL, "print CSV, in bytes", NULL},
    MP_HEAP_OPTION_TAG,
    MP_HEAP_OPTIONS_RANGE,
    MP_HEAP_OPTION_NO_CHILDREN,
    MP_HEAP_OPTION_SCREEN,
    MP_HEAP_OPTION_MINE,
    {KEY_JSON, "json", NULL, "print JSON, in bytes", NULL},
    {0},
};

static const char *take_rows(struct settings *settings, const char *value)
{
    char *end;
    long number = strtol(value, &end, 10);
    if (*end || end == value || number < 1 || number > 100000000)
        return "not a number of rows";
    settings->most = (size_t)number;
    return NULL;
}

static const char *take(void *to, int key, const char *value)
{
    struct settings *settings = to;
    switch (key) {
    case KEY_BY:
        settings->by = mp_word_of(groups, value);
        return settings->by < 0
                   ? "not one of line, your-line, function, file, module, process, host, "
                     "worker, rank, tag, thread, type, line,type"
                   : NULL;
    case KEY_SORT:
        settings->sort = mp_word_of(columns, value);
        settings->sorted = true;
        return settings->sort < 0
                   ? "not one of peak, total, live, allocated, allocations, temporary, growth"
                   : NULL;
    case KEY_SPREAD:
        settings->spread = true;
        return NULL;
    case KEY_CSV:
        settings->form = MP_HEAP_TABLE_CSV;
        return NULL;
    case KEY_JSON:
        settings->form = MP_HEAP_TABLE_JSON;
        return NULL;
    case 'n':
        return take_rows(settings, value);
    default:
        return mp_heap_asked_take(&settings->asked, key, value);
    }
}

static int take_groups(const struct mp_heap_views *views, struct mp_heap_processes *groups,
                       enum mp_heap_grouping by)
{
    struct mp_heap_tags tags;
    const struct mp_heap_view *view = &views->run.view;
    if (by == MP_HEAP_EACH_PROCESS)
        return 0;
    if (by != MP_HEAP_EACH_TAG)
        return mp_heap_whose_init(groups, &views->run.processes,
                                  (enum mp_heap_whose)(by - MP_HEAP_EACH_HOST));
    int failed = mp_heap_tags_init(&tags, view, &views->lines) ||
                 mp_heap_tag_groups_init(groups, view, &tags);
    mp_heap_tags_release(&tags);
    return failed;
}

/* Processes in the place of lines of code, groups of them, or tags. */
static int take_processes(struct mp_heap_views *views, struct mp_heap_processes *groups,
                          enum mp_heap_grouping by)
{
    struct mp_heap_lines lines;
    bool whole = by == MP_HEAP_EACH_PROCESS;
    if (mp_heap_run_list(&views->run, views->path) || take_groups(views, groups, by) ||
        mp_heap_process_lines(&lines, whole ? &views->run.processes : groups))
        return mp_fail("out of memory");
    mp_heap_lines_release(&views->lines);
    views->lines = lines;
    return MP_EXIT_OK;
}

static int print_table(const struct settings *settings, struct mp_heap_views *views,
                       struct mp_heap_table_options *how)
{
    struct mp_heap_rows table;
    struct mp_heap_processes groups = {0};
    enum mp_heap_grouping by = (enum mp_heap_grouping)settings->by;
    int code = 0;
    if (by >= MP_HEAP_EACH_PROCESS) {
        how->processes = by == MP_HEAP_EACH_PROCESS ? &views->run.processes : &groups;
        how->least = 0;
        code = take_processes(views, &groups, by);
    }
    if (!code && mp_heap_rows_init(&table, &views->run.view, &views->lines, by))
        code = mp_fail("out of memory");
    if (code) {
        mp_heap_processes_release(&groups);
        return code;
    }
    bool grew = views->run.view.growth && !settings->sorted;
    mp_heap_rows_sort(&table, grew ? MP_HEAP_GROWTH : (enum mp_heap_column)settings->sort);
    mp_heap_table_print(stdout, &table, how);
    mp_heap_rows_release(&table);
    mp_heap_processes_release(&groups);
    return MP_EXIT_OK;
}

static int print_spread(const struct settings *settings, struct mp_heap_views *views,
                        struct mp_heap_table_options *how)
{
    struct mp_heap_processes groups = {0}, *list = &views->run.processes;
    struct mp_heap_spread spread = {0};
    enum mp_heap_grouping by = (enum mp_heap_grouping)settings->by;
    if (list->count < 2)
        return mp_fail("table: --spread compares processes, and here is one");
    bool whole = by == MP_HEAP_EACH_PROCESS;
    size_t *numbers = mp_heap_group(
        &groups, list, whole ? MP_HEAP_EACH_FOR_ITSELF : (int)(by - MP_HEAP_EACH_HOST));
    how->processes = whole ? list : &groups;
    int code = !numbers || mp_heap_spread_init(&spread, &views->run.merge, &views->lines,
                                               numbers, how->processes->count)
                   ? mp_fail("out of memory")
                   : MP_EXIT_OK;
    if (!code)
        mp_heap_spread_print(stdout, &views->run.view, &spread, mp_heap_grouping_names[by],
                             how);
    free(numbers);
    mp_heap_spread_release(&spread);
    mp_heap_processes_release(&groups);
    return code;
}

struct thread_order {
    const struct mp_heap_thread *threads;
    int sort;
};

static int compare_threads(const void *left, const void *right, void *context)
{
    const struct thread_order *by = context;
    const struct mp_heap_thread *a = &by->threads[*(const size_t *)left];
    const struct mp_heap_thread *b = &by->threads[*(const size_t *)right];
    uint64_t x = by->sort == MP_HEAP_ALLOCATIONS ? a->blocks
                 : by->sort == MP_HEAP_TEMPORARY ? a->temporary
                                                 : a->allocated;
    uint64_t y = by->sort == MP_HEAP_ALLOCATIONS ? b->blocks
                 : by->sort == MP_HEAP_TEMPORARY ? b->temporary
                                                 : b->allocated;
    return x != y ? (x < y ? 1 : -1) : (a > b) - (a < b);
}

static int print_threads(const struct settings *settings, const struct mp_heap_view *view,
                         const struct mp_heap_table_options *how)
{
    struct thread_order by = {view->threads, settings->sort};
    size_t count = 0, *order = calloc(view->counts[MP_HEAP_THREADS] + 1, sizeof *order);
    if (!order)
        return mp_fail("out of memory");
    for (size_t i = 0; i < view->counts[MP_HEAP_THREADS]; i++)
        if (view->threads[i].blocks || view->threads[i].frees)
            order[count++] = i;
    qsort_r(order, count, sizeof *order, compare_threads, &by);
    mp_heap_table_threads(stdout, view, order, count, how);
    free(order);
    return MP_EXIT_OK;
}

static int show(struct mp_heap_views *views, const void *from)
{
    const struct settings *settings = from;
    bool text = settings->form == MP_HEAP_TABLE_TEXT;
    size_t usual = text ? USUAL_ROWS : SIZE_MAX;
    struct mp_heap_table_options how = {.form = settings->form,
                                        .most = settings->most ? settings->most : usual,
                                        .least = settings->most ? 0 : MP_HEAP_LEAST_SHARE,
                                        .incomplete = views->run.incomplete,
                                        .style = &views->style};
    bool types = settings->by == BY_TYPE || settings->by == BY_LINE_TYPE;
    int code = types ? mp_heap_print_types(views, settings->by == BY_LINE_TYPE, &how)
               : settings->by == BY_THREAD ? print_threads(settings, &views->run.view, &how)
               : settings->spread          ? print_spread(settings, views, &how)
                                           : print_table(settings, views, &how);
    return code || settings->form != MP_HEAP_TABLE_CSV
               ? code
               : mp_heap_run_warn(&views->run, views->path);
}

static int run(void *from, int count, char **operands)
{
    struct settings *settings = from;
    if (settings->by == BY_THREAD && settings->sorted && settings->sort <= MP_HEAP_LIVE) {
        mp_fail(
            "table: it is not known what a thread holds, its blocks are freed by others; "
            "sort threads by allocated, allocations or temporary");
        return MP_EXIT_USAGE;
    }
    bool others = settings->by >= MP_HEAP_EACH_PROCESS && settings->by != BY_LINE_TYPE;
    bool grows = settings->asked.range.what == MP_HEAP_ASKED_GROWTH;
    if (settings->by >= BY_TYPE && (settings->sorted || grows)) {
        mp_fail("table: types are of what is live, and sorted by that: leave out --sort; "
                "growth between moments is 'mprof diff --by type FILE@ONE FILE@OTHER'");
        return MP_EXIT_USAGE;
    }
    if (settings->spread &&
        (!others || settings->by >= MP_HEAP_EACH_TAG || settings->sorted)) {
        mp_fail(
            "table: --spread is of --by process, host, worker or rank, and goes by how much "
            "they differ");
        return MP_EXIT_USAGE;
    }
    if (settings->asked.tag && settings->by >= MP_HEAP_EACH_PROCESS &&
        settings->by != MP_HEAP_EACH_TAG) {
        mp_fail(
            "table: --tag shows code: it goes with --by line, your-line, function, file, module and tag");
        return MP_EXIT_USAGE;
    }
    settings->asked.how |= settings->spread ? MP_HEAP_SHARES : 0;
    settings->asked.how |= settings->by >= BY_TYPE ? MP_HEAP_TYPES_AT : 0;
    bool called = settings->by == MP_HEAP_EACH_YOUR_LINE ||
                  settings->by == MP_HEAP_EACH_TAG || settings->spread;
    settings->asked.how |= called ? 0 : others ? MP_HEAP_NO_LINES : MP_HEAP_UNCALLED;
    settings->asked.how |=
        settings->form == MP_HEAP_TABLE_TEXT ? MP_HEAP_TOGETHER : MP_HEAP_NO_PAGER;
    return mp_heap_views_show(count, operands, &settings->asked, show, settings);
}

const struct mp_command mp_command_table = {
    "table",
    "[file|folder|index...]",
    "print a heap capture's figures by line, function, file, process or thread",
    "Prints what a heap capture (the newest here when none is given) holds as a table: bytes at the peak and still live, bytes and "
    "blocks ever allocated, and blocks freed before their thread allocated again. These columns add "
    "up: what has no row of its own is summed in one. Total is the column before it with all that was called.",
    MP_OPERANDS_PROFILES,
    options,
    take,
    sizeof(struct settings),
    run,
};
