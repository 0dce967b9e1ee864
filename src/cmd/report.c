/* mprof report: what a heap capture says first. */
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "cmd/command.h"
#include "cmd/heap_views.h"
#include "report/heap_json.h"
#include "report/heap_processes.h"
#include "report/heap_summary.h"
#include "report/heap_text.h"

enum { KEY_JSON = 256, KEY_ALL_FRAMES, KEY_NO_CHILDREN, KEY_BY, USUAL_LINES = 10 };

struct settings {
    bool json, all_frames, alone, by_process;
    size_t most;
};

static const struct mp_option options[] = {
    {'n', "lines", "N", "lines in each table (default: 10, of those with half a percent)",
     NULL},
    {KEY_ALL_FRAMES, "all-frames", NULL, "show memory_profiler's own frames too", NULL},
    {KEY_BY, "by", "WHAT", "process: list the processes, and where the RSS of each is",
     "process"},
    {KEY_NO_CHILDREN, "no-children", NULL, "show the first process alone", NULL},
    {KEY_JSON, "json", NULL, "print JSON, in bytes and nanoseconds", NULL},
    {0},
};

static const char *take(void *to, int key, const char *value)
{
    struct settings *settings = to;
    settings->json |= key == KEY_JSON;
    settings->all_frames |= key == KEY_ALL_FRAMES;
    settings->alone |= key == KEY_NO_CHILDREN;
    if (key == KEY_BY && strcmp(value, "process") != 0)
        return "not process";
    settings->by_process |= key == KEY_BY;
    return key == 'n' ? mp_heap_take_most(&settings->most, value) : NULL;
}

static void print_json(struct mp_heap_views *views)
{
    struct mp_heap_json_options how = {.name = views->path,
                                       .incomplete = views->run.incomplete,
                                       .own = views->hidden,
                                       .processes = &views->run.processes};
    mp_heap_json(stdout, &views->run.view, &views->lines, &how);
}

static void print_text(struct mp_heap_views *views, size_t most)
{
    struct mp_heap_text_options how = {.name = views->path,
                                       .incomplete = views->run.incomplete,
                                       .own = views->hidden,
                                       .most = most ? most : USUAL_LINES,
                                       .least = most ? 0 : MP_HEAP_LEAST_SHARE,
                                       .source = mp_source_line,
                                       .context = &views->source,
                                       .processes = &views->run.processes,
                                       .style = views->style};
    mp_heap_text(stdout, &views->run.view, &views->lines, &how);
    if (views->source.changed_count)
        fputs("\nNewer than the capture, so that lines may have moved; source not shown:\n",
              stdout);
    for (size_t i = 0; i < views->source.changed_count; i++) {
        const char *name = views->source.changed[i];
        fputs("  ", stdout);
        mp_heap_put_text(stdout, &views->style, name, strlen(name), 0, MP_HEAP_CUT_START);
        putchar('\n');
    }
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

static int run(void *from, int count, char **operands)
{
    const struct settings *settings = from;
    struct mp_heap_views views;
    if (count > 1) {
        mp_fail("report: takes one capture, was also given '%s'; see 'mprof help report'",
                operands[1]);
        return MP_EXIT_USAGE;
    }
    unsigned how = (settings->all_frames ? MP_HEAP_ALL_FRAMES : 0) |
                   (settings->alone ? MP_HEAP_ALONE : 0) |
                   (settings->json ? 0 : MP_HEAP_TOGETHER);
    int code = mp_heap_views_init(&views, count ? operands[0] : NULL, how);
    if (!code && settings->json)
        print_json(&views);
    else if (!code && settings->by_process)
        print_processes(&views, settings->most);
    else if (!code)
        print_text(&views, settings->most);
    mp_heap_views_release(&views);
    return code;
}

const struct mp_command mp_command_report = {
    "report",
    "[file|index]",
    "print which lines hold the memory in a heap capture",
    "Prints the peak of a heap capture (the newest here when none is given) and when it was, "
    "the lines that held it with their callers, what is still live and what is freed as soon as "
    "it was allocated; resident memory beside it. The program may still be running, or have been "
    "killed.",
    MP_OPERANDS_PROFILES,
    options,
    take,
    sizeof(struct settings),
    run,
};
