/* mprof table: a heap capture's figures by line, function, file, module, process or thread. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/heap_rows.h"
#include "cmd/command.h"
#include "cmd/heap_views.h"
#include "report/heap_summary.h"
#include "report/heap_table.h"

enum {
    KEY_BY = 256,
    KEY_SORT,
    KEY_CSV,
    KEY_JSON,
    KEY_NO_CHILDREN,
    USUAL_ROWS = 30,
    BY_THREAD = MP_HEAP_EACH_PROCESS + 1
};

static const char groups[] = "line function file module process thread";
static const char columns[] = "peak live total allocations temporary";

struct settings {
    int by, sort; /* positions in the words above */
    bool sorted, alone;
    size_t most;
    enum mp_heap_table_form form;
};

static const struct mp_option options[] = {
    {KEY_BY, "by", "WHAT",
     "rows: line (default), function, file, module, process or thread", groups},
    {KEY_SORT, "sort", "COLUMN", "peak (default), live, total, allocations or temporary",
     columns},
    {'n', "rows", "N",
     "how many rows (default: 30 of those with half a percent as text, else all)", NULL},
    {KEY_CSV, "csv", NULL, "print CSV, in bytes", NULL},
    {KEY_NO_CHILDREN, "no-children", NULL, "show the first process alone", NULL},
    {KEY_JSON, "json", NULL, "print JSON, in bytes", NULL},
    {0},
};

/* Which of the words a value is, or -1. */
static int word_of(const char *words, const char *value)
{
    size_t length = strlen(value);
    for (int number = 0; *words; number++) {
        size_t its = strcspn(words, " ");
        if (its == length && !strncmp(words, value, its))
            return number;
        words += its + strspn(words + its, " ");
    }
    return -1;
}

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
        settings->by = word_of(groups, value);
        return settings->by < 0 ? "not one of line, function, file, module, process, thread"
                                : NULL;
    case KEY_SORT:
        settings->sort = word_of(columns, value);
        settings->sorted = true;
        return settings->sort < 0 ? "not one of peak, live, total, allocations, temporary"
                                  : NULL;
    case KEY_CSV:
        settings->form = MP_HEAP_TABLE_CSV;
        return NULL;
    case KEY_JSON:
        settings->form = MP_HEAP_TABLE_JSON;
        return NULL;
    case KEY_NO_CHILDREN:
        settings->alone = true;
        return NULL;
    default:
        return take_rows(settings, value);
    }
}

/* Lines of processes in the place of those of code. */
static int take_processes(struct mp_heap_views *views)
{
    struct mp_heap_lines lines;
    if (mp_heap_run_list(&views->run, views->path) ||
        mp_heap_process_lines(&lines, &views->run.processes))
        return mp_fail("out of memory");
    mp_heap_lines_release(&views->lines);
    views->lines = lines;
    return MP_EXIT_OK;
}

static int print_table(const struct settings *settings, struct mp_heap_views *views,
                       struct mp_heap_table_options *how)
{
    struct mp_heap_rows table;
    enum mp_heap_grouping by = (enum mp_heap_grouping)settings->by;
    if (by == MP_HEAP_EACH_PROCESS) {
        how->processes = &views->run.processes;
        how->least = 0;
        if (take_processes(views))
            return MP_EXIT_FAILURE;
    }
    mp_heap_rows_init(&table, &views->run.view, &views->lines, by);
    mp_heap_rows_sort(&table, (enum mp_heap_column)settings->sort);
    mp_heap_table_print(stdout, &table, how);
    mp_heap_rows_release(&table);
    return MP_EXIT_OK;
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

/* A file of figures has no room for what they lack. */
static int warn(const struct mp_heap_views *views)
{
    char *text = NULL, *at;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return mp_fail("out of memory");
    mp_heap_put_missing(out, views->run.view.header, views->run.incomplete);
    fclose(out);
    for (char *line = strtok_r(text, "\n", &at); line; line = strtok_r(NULL, "\n", &at))
        mp_note("%s: %s", views->path, line);
    free(text);
    return MP_EXIT_OK;
}

static int show(const struct settings *settings, struct mp_heap_views *views)
{
    bool text = settings->form == MP_HEAP_TABLE_TEXT;
    size_t usual = text ? USUAL_ROWS : SIZE_MAX;
    struct mp_heap_table_options how = {.form = settings->form,
                                        .most = settings->most ? settings->most : usual,
                                        .least = settings->most ? 0 : MP_HEAP_LEAST_SHARE,
                                        .incomplete = views->run.incomplete,
                                        .style = &views->style};
    int code = settings->by == BY_THREAD ? print_threads(settings, &views->run.view, &how)
                                         : print_table(settings, views, &how);
    return code || settings->form != MP_HEAP_TABLE_CSV ? code : warn(views);
}

static int run(void *from, int count, char **operands)
{
    const struct settings *settings = from;
    struct mp_heap_views views;
    if (count > 1) {
        mp_fail("table: takes one capture, was also given '%s'; see 'mprof help table'",
                operands[1]);
        return MP_EXIT_USAGE;
    }
    if (settings->by == BY_THREAD && settings->sorted && settings->sort <= MP_HEAP_LIVE) {
        mp_fail(
            "table: it is not known what a thread holds, its blocks are freed by others; "
            "sort threads by total, allocations or temporary");
        return MP_EXIT_USAGE;
    }
    unsigned how = (settings->alone ? MP_HEAP_ALONE : 0) |
                   (settings->form == MP_HEAP_TABLE_TEXT ? MP_HEAP_TOGETHER : 0);
    int code = mp_heap_views_init(&views, count ? operands[0] : NULL, how);
    if (!code)
        code = show(settings, &views);
    mp_heap_views_release(&views);
    return code;
}

const struct mp_command mp_command_table = {
    "table",
    "[file|index]",
    "print a heap capture's figures by line, function, file, process or thread",
    "Prints what a heap capture (the newest here when none is given) holds as a table: bytes at the peak and still live, bytes and "
    "blocks ever allocated, and blocks freed before their thread allocated again. Columns add "
    "up: what has no row of its own is summed in one.",
    MP_OPERANDS_PROFILES,
    options,
    take,
    sizeof(struct settings),
    run,
};
