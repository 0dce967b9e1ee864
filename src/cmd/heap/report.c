/* mprof report: what a heap capture says first. */
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "cmd/heap/victims.h"
#include "cmd/heap/views.h"
#include "cmd/shared/command.h"
#include "cmd/shared/words.h"
#include "report/heap/groups.h"
#include "report/heap/json.h"
#include "report/heap/processes.h"
#include "report/heap/summary.h"
#include "report/heap/text.h"
#include "report/heap/workers.h"

enum { KEY_BY = 256, USUAL_LINES = 10 };

struct settings {
    struct mp_heap_asked asked;
    bool by_process;
    int by; /* position in the words below */
};

static const char groups[] = "process host worker rank";

static const struct mp_option options[] = {
    {'n', "lines", "N", "lines in each table (default: 10, of those with half a percent)",
     NULL},
    {MP_HEAP_KEY_ALL_FRAMES, "all-frames", NULL, "show memory_profiler's own frames too",
     NULL},
    {KEY_BY, "by", "WHAT",
     "process: list the processes, and where the RSS of each is; host, worker, rank: their sums",
     groups},
    MP_HEAP_OPTION_TAG,
    MP_HEAP_OPTIONS_RANGE,
    MP_HEAP_OPTION_NO_CHILDREN,
    MP_HEAP_OPTION_SCREEN,
    MP_HEAP_OPTION_MINE,
    MP_HEAP_OPTION_SOURCE_ROOT,
    MP_HEAP_OPTION_JSON,
    {0},
};

static const char *take(void *to, int key, const char *value)
{
    struct settings *settings = to;
    if (key == KEY_BY && (settings->by = mp_word_of(groups, value)) < 0)
        return "a report is --by process, host, worker or rank; 'mprof table --by' also takes line, "
               "your-line, function, file, module or thread";
    settings->by_process |= key == KEY_BY;
    return mp_heap_asked_take(&settings->asked, key, value);
}

/* What a report shows beside the lines. */
struct parts {
    struct mp_heap_your_lines yours;
    struct mp_heap_type_rows rows;
    const struct mp_heap_type_rows *types; /* them, or NULL */
    const struct mp_heap_processes
        *processes; /* NULL, as all below: only a part of each is shown */
    const struct mp_heap_death *death;
    struct mp_heap_victims victims;
};

static void print_json(struct mp_heap_views *views, struct parts *parts)
{
    struct mp_heap_json_options how = mp_heap_views_json(views);
    how.processes = parts->processes;
    how.types = parts->types;
    how.death = parts->death;
    how.killed = &parts->victims.killed;
    mp_heap_json(stdout, &views->run.view, &views->lines, &parts->yours, &how);
}

static void print_names(const struct mp_heap_views *views,
                        const struct mp_source_names *names, const char *title)
{
    if (names->count)
        printf("\n%s\n", title);
    for (size_t i = 0; i < names->count; i++) {
        fputs("  ", stdout);
        mp_heap_put_text(stdout, &views->style, names->names[i], strlen(names->names[i]), 0,
                         MP_HEAP_CUT_START);
        putchar('\n');
    }
}

static void print_text(struct mp_heap_views *views, struct parts *parts, size_t most)
{
    struct mp_heap_text_options how = {.name = views->path,
                                       .incomplete = views->run.incomplete,
                                       .most = most ? most : USUAL_LINES,
                                       .least = most ? 0 : MP_HEAP_LEAST_SHARE,
                                       .source = mp_source_line,
                                       .context = &views->source,
                                       .processes = parts->processes,
                                       .types = parts->types,
                                       .death = parts->death,
                                       .killed = &parts->victims.killed,
                                       .style = views->style};
    mp_heap_text(stdout, &views->run.view, &views->lines,
                 views->hidden ? &parts->yours : NULL, &how);
    if (views->source.outside)
        puts("\nSome sources lie outside the program's folders and are not shown; "
             "--source-root FOLDER adds one");
    print_names(views, &views->source.newer,
                "Newer than the capture, so that lines may have moved; source not shown:");
    print_names(views, &views->source.changed,
                "Changed since; source shown as it was recorded:");
}

static void print_processes(struct mp_heap_views *views, size_t most)
{
    mp_heap_put_title(stdout, &views->run.view, views->path, views->run.incomplete,
                      &views->style);
    const struct mp_heap_header *header = views->run.view.header;
    most = most ? most : SIZE_MAX;
    mp_heap_put_processes(stdout, header, &views->run.processes, most, &views->style);
    mp_heap_put_process_sheets(stdout, header, &views->run.processes, most, &views->style);
    if (!views->run.processes.count)
        puts("\none process: no child of it is recorded here");
}

/* What the engine says of those that it manages least of. */
static int print_workers(struct mp_heap_views *views, const struct mp_heap_mine *mine)
{
    struct mp_heap_victims workers;
    int failed = mp_heap_victims_init_workers(&workers, views, mine);
    if (!failed)
        mp_heap_put_workers(stdout, &workers.killed, &views->style);
    mp_heap_victims_release(&workers);
    return failed ? mp_fail("out of memory") : MP_EXIT_OK;
}

/* Hosts, workers or ranks. */
static int print_groups(struct mp_heap_views *views, const struct settings *settings)
{
    int by = settings->by;
    size_t most = settings->asked.most;
    static const char *const names[] = {"host", "worker", "rank"};
    struct mp_heap_processes list;
    const struct mp_heap_view *view = &views->run.view;
    if (mp_heap_run_list(&views->run, views->path) ||
        mp_heap_whose_init(&list, &views->run.processes, (enum mp_heap_whose)(by - 1)))
        return mp_fail("out of memory");
    mp_heap_put_title(stdout, view, views->path, views->run.incomplete, &views->style);
    mp_heap_put_groups(stdout, view->header, &list, names[by - 1], most ? most : SIZE_MAX,
                       &views->style);
    mp_heap_processes_release(&list);
    return by - 1 == MP_HEAP_BY_WORKER && !settings->asked.range.what
               ? print_workers(views, &settings->asked.mine)
               : MP_EXIT_OK;
}

static int find_parts(struct parts *parts, struct mp_heap_views *views,
                      const struct mp_heap_asked *asked)
{
    struct mp_heap_typing typing = mp_heap_typing_of(&views->run.view);
    *parts = (struct parts){0};
    if (mp_heap_your_lines_init(&parts->yours, &views->run.view, &views->lines))
        return -1;
    if (typing.type_count &&
        !mp_heap_type_rows_init(&parts->rows, &typing, views->lines.places))
        parts->types = &parts->rows;
    if (asked->tag)
        return 0;
    parts->processes = &views->run.processes;
    parts->death = &views->run.death;
    return asked->range.what ? 0
                             : mp_heap_victims_init(&parts->victims, views, &asked->mine);
}

static void release_parts(struct parts *parts)
{
    if (parts->types)
        mp_heap_type_rows_release(&parts->rows);
    mp_heap_your_lines_release(&parts->yours);
    mp_heap_victims_release(&parts->victims);
}

static int print_parts(struct mp_heap_views *views, const struct settings *settings)
{
    struct parts parts;
    int failed = find_parts(&parts, views, &settings->asked);
    if (!failed && settings->asked.json)
        print_json(views, &parts);
    else if (!failed)
        print_text(views, &parts, settings->asked.most);
    release_parts(&parts);
    return failed ? mp_fail("out of memory") : MP_EXIT_OK;
}

static int show(struct mp_heap_views *views, const void *from)
{
    const struct settings *settings = from;
    if (settings->asked.json || !settings->by_process)
        return print_parts(views, settings);
    if (settings->by)
        return print_groups(views, settings);
    print_processes(views, settings->asked.most);
    return MP_EXIT_OK;
}

static int run(void *from, int count, char **operands)
{
    struct settings *settings = from;
    if (settings->asked.tag && settings->by_process) {
        mp_fail(
            "report: --tag shows lines, and leaves out --by; 'mprof table --tag' has other rows");
        return MP_EXIT_USAGE;
    }
    settings->asked.how |= settings->asked.json ? 0 : MP_HEAP_TOGETHER;
    return mp_heap_views_show(count, operands, &settings->asked, show, settings);
}

const struct mp_command mp_command_report = {
    "report",
    "[file|folder|index...]",
    "print which lines hold the memory in a heap capture",
    "Prints which of your own lines led to the peak of a heap capture (the newest here when none is given), how high it was and when, "
    "the lines that held it with their callers, what is still live and what is temporary: freed before its thread "
    "allocated again; resident memory beside it. The program may still be running, or have been "
    "killed.",
    MP_OPERANDS_PROFILES,
    options,
    take,
    sizeof(struct settings),
    run,
};
