/* mprof objects: who held objects when a recording ended, or who holds those of a process that runs. */
#include <stdio.h>
#include <string.h>

#include "cmd/heap/attach_open.h"
#include "cmd/heap/choice.h"
#include "cmd/heap/objects_all.h"
#include "cmd/heap/objects_ask.h"
#include "cmd/heap/views.h"
#include "cmd/shared/command.h"
#include "report/heap/holders.h"

struct settings {
    struct mp_heap_asked asked;
    const char *type, *line;
    bool retained, waste, is_process;
    const char *pid; /* of the process that was asked; NULL: none was */
};

enum { KEY_TYPE = 256, KEY_LINE, KEY_RETAINED, KEY_WASTE, KEY_PID };

static const struct mp_option options[] = {
    {KEY_TYPE, "type", "TYPE", "who holds objects of this type: 'dict', 'app.Node'", NULL},
    {KEY_LINE, "line", "FILE:LINE", "who holds what this line allocated: 'app.py:12'",
     NULL},
    {KEY_RETAINED, "retained", NULL, "what retains most, and the tree of it, alone", NULL},
    {KEY_WASTE, "waste", NULL, "what objects would not need, alone", NULL},
    {KEY_PID, "pid", NULL, "the number is a process's, also where 'mprof list' has it",
     NULL},
    MP_HEAP_OPTION_NO_CHILDREN,
    MP_HEAP_OPTION_SCREEN,
    MP_HEAP_OPTION_JSON,
    {0},
};

static const char *take(void *to, int key, const char *value)
{
    struct settings *settings = to;
    if (key == KEY_LINE && !strrchr(value, ':'))
        return "a line is written as app.py:12";
    if ((key == KEY_LINE || key == KEY_TYPE) && strlen(value) >= MP_HEAP_WANTS_NAME)
        return "longer than names are";
    if (key == KEY_TYPE)
        settings->type = value;
    else if (key == KEY_LINE)
        settings->line = value;
    else if (key == KEY_RETAINED)
        settings->retained = true;
    else if (key == KEY_WASTE)
        settings->waste = true;
    else if (key == KEY_PID)
        settings->is_process = true;
    return mp_heap_asked_take(&settings->asked, key, value);
}

/* They are asked at the end, which a program that was killed did not reach. */
static int say_none(const struct mp_heap_views *views)
{
    if (views->run.incomplete)
        return mp_fail(
            "%s does not say who held its objects: that is asked when it ends, but %s; "
            "'mprof objects PID' asks before",
            views->path, views->run.incomplete);
    return mp_fail("%s does not say who held its objects: record with mprof heap --types, "
                   "or ask 'mprof objects PID' while it runs",
                   views->path);
}

static int say_no_waste(const char *name, const char *pid)
{
    if (pid)
        return mp_fail(
            "%s does not say what objects would not need: its capture has no room", name);
    return mp_fail("%s does not say what objects would not need: record it anew with mprof "
                   "heap --types, or ask 'mprof objects --waste PID' while it runs",
                   name);
}

static int say_no_row(const char *name, const struct settings *settings)
{
    const char *wanted = settings->type ? settings->type : settings->line;
    if (!settings->pid)
        return mp_fail("%s has no row of %s: only the largest types and lines are kept",
                       name, wanted);
    return settings->type ? mp_fail("%s has no object of a type %s", name, wanted)
                          : mp_fail("%s holds no object that %s allocated", name, wanted);
}

static int check(const struct mp_heap_views *views, const char *name,
                 const struct settings *settings,
                 const struct mp_heap_holders_report *report)
{
    const struct mp_heap_view *view = report->view;
    if (!view->counts[MP_HEAP_HOLDERS])
        return say_none(views);
    if (view->holders[0].kind == MP_HEAP_HOLDER_BROKEN)
        return mp_fail(
            "%s does not say who held its objects: an extension module's type broke "
            "the process that looked",
            name);
    if (view->holders[0].kind == MP_HEAP_HOLDER_NO_MEMORY &&
        view->header->followed & MP_HEAP_LOST)
        return mp_fail("%s does not say who held its objects: another tool took the "
                       "recorder's hooks off, so nobody knew which were live",
                       name);
    if (view->holders[0].kind == MP_HEAP_HOLDER_NO_MEMORY)
        return mp_fail("%s does not say who held its objects: there was no memory to look, "
                       "some 70 bytes an object (ulimit -v, a control group's limit)",
                       name);
    if (mp_heap_objects_has(report))
        return MP_EXIT_OK;
    if (settings->waste)
        return say_no_waste(name, settings->pid);
    return settings->type || settings->line ? say_no_row(name, settings) : say_none(views);
}

static int show(struct mp_heap_views *views, const void *from)
{
    const struct settings *settings = from;
    char name[32], when[64];
    struct mp_heap_json_options how = mp_heap_views_json(views);
    struct mp_heap_holders_report report = {.view = &views->run.capture.view,
                                            .type = settings->type,
                                            .line = settings->line,
                                            .retained = settings->retained,
                                            .waste = settings->waste,
                                            .incomplete = how.incomplete,
                                            .style = &views->style};
    bool any = false;
    int code = views->run.processes.count > 1
                   ? mp_heap_objects_all(views, &report, settings->asked.json, &any)
                   : MP_EXIT_OK;
    if (code || any)
        return code;
    if (settings->pid) {
        snprintf(name, sizeof name, "process %s", settings->pid);
        snprintf(when, sizeof when, "in %s now", name);
        report.when = when;
        how.name = name;
        how.incomplete = report.incomplete = NULL;
    }
    code = check(views, how.name, settings, &report);
    if (code != MP_EXIT_OK)
        return code;
    if (settings->asked.json)
        mp_heap_holders_json(stdout, &report, &how);
    else
        mp_heap_holders_text(stdout, &report);
    return MP_EXIT_OK;
}

static int ask_process(struct settings *settings, char *pid)
{
    struct mp_heap_objects_answer answer;
    const struct mp_heap_wants wants = {settings->waste      ? MP_HEAP_WANTS_WASTE
                                        : settings->type     ? MP_HEAP_WANTS_TYPE
                                        : settings->line     ? MP_HEAP_WANTS_LINE
                                        : settings->retained ? MP_HEAP_WANTS_LARGEST
                                                             : MP_HEAP_WANTS_ALL,
                                        settings->type ? settings->type : settings->line};
    settings->pid = pid;
    settings->asked.how |= MP_HEAP_ALONE;
    int code = mp_heap_objects_ask(&answer, pid, &wants);
    if (!code)
        code = mp_heap_views_show(1, &answer.path, &settings->asked, show, settings);
    mp_heap_objects_release(&answer);
    return code;
}

/* A number is what 'mprof list' has by it, else a process. */
static bool is_process(const struct settings *settings, const char *operand)
{
    return mp_attach_pid(operand) >= 0 &&
           (settings->is_process ||
            (mp_heap_is_process(operand) && !mp_heap_has_index(operand)));
}

static int run(void *from, int count, char **operands)
{
    struct settings *settings = from;
    settings->asked.how |= MP_HEAP_NO_LINES;
    if (count == 1 && is_process(settings, operands[0]))
        return ask_process(settings, operands[0]);
    if (!settings->is_process)
        return mp_heap_views_show(count, operands, &settings->asked, show, settings);
    mp_fail("objects: --pid takes one process, by its number; see 'mprof help objects'");
    return MP_EXIT_USAGE;
}

const struct mp_command mp_command_objects = {
    "objects",
    "[file|index|pid]",
    "print who held the objects of a recording when it ended, or of a process now",
    "Prints who kept objects alive when a recording that was made with mprof heap --types ended "
    "(the newest here when none is given): what retained most, in rows and as a tree of who keeps what alone, and the ways to the objects "
    "of the largest types and lines, by names from a module, a local or a thread, with the "
    "bytes that would go with them; and what objects took and would not have needed. Of several processes each by itself, those that held most first. A number that "
    "'mprof list' does not have is a process that runs, which is asked now: any type of it, and any line where it is "
    "recorded.",
    MP_OPERANDS_PROFILES,
    options,
    take,
    sizeof(struct settings),
    run,
};
