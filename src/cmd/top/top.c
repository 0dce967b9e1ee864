/* mprof top: a recording, watched while it is made. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/heap/live.h"
#include "cmd/heap/attach_children.h"
#include "cmd/heap/choice.h"
#include "cmd/shared/command.h"
#include "cmd/shared/here.h"
#include "cmd/shared/screen.h"
#include "cmd/shared/words.h"
#include "cmd/top/attached.h"
#include "cmd/top/model.h"
#include "store/dat/read.h"
#include "store/heap/read.h"
#include "store/heap/request.h"

enum {
    KEY_BY = 256,
    KEY_SORT,
    KEY_ONCE,
    KEY_JSON,
    KEY_COLOUR,
    KEY_MINE,
    KEY_NOT_MINE,
    KEY_ALONE,
    KEY_CHILDREN
};
enum { MOST_ROWS = 1000000 };

static const double LEAST_INTERVAL = 0.1, MOST_INTERVAL = 3600;

static const struct mp_option options[] = {
    {KEY_BY, "by", "WHAT",
     "rows are your-line (default), line, function, file, module, process or thread",
     mp_heap_live_groups},
    {KEY_SORT, "sort", "COLUMN",
     "sort by live (default), rate, since, peak, blocks, allocated or temporary",
     mp_heap_live_orders},
    {'n', "rows", "N", "show at most N rows", NULL},
    {'i', "interval", "SECONDS", "look again after so long, 1 by default; from 0.1 on",
     NULL},
    {'o', "output", "FILE",
     "of a process that is not recorded: record into FILE (default: mprofheap_<time>.mprof)",
     NULL},
    {KEY_CHILDREN, "children", NULL,
     "of a process that is not recorded: record those that it starts from now on, too",
     NULL},
    {MP_HEAP_KEY_SINCE, "since", "WHEN",
     "count growth from this moment of a heap's recording on: 12.5s, start, peak, or a mark's name",
     NULL},
    {KEY_ONCE, "once", NULL,
     "print it once and exit: growth a second is that since --since (default: the first quarter of the time "
     "is left out), with -i that between two looks",
     NULL},
    {KEY_JSON, "json", NULL,
     "print JSON, in bytes and nanoseconds: a line each look until the recording ends; with --once, one",
     NULL},
    {KEY_MINE, "mine", "PATTERN",
     "your code is files and modules like PATTERN too; may be repeated", NULL},
    {KEY_NOT_MINE, "not-mine", "PATTERN",
     "files and modules like PATTERN are not your code; may be repeated", NULL},
    {KEY_ALONE, "no-children", NULL, "show the first process alone", NULL},
    {KEY_COLOUR, "color", "WHEN", "bold: auto (default: on a terminal), always or never",
     mp_colour_words},
    {0},
};

static const char *take_rows(struct mp_top_options *settings, const char *value)
{
    char *end;
    long number = strtol(value, &end, 10);
    if (*end || end == value || number < 1 || number > MOST_ROWS)
        return "not a number of rows";
    settings->most = (size_t)number;
    return NULL;
}

static const char *take_interval(struct mp_top_options *settings, const char *value)
{
    char *end;
    double seconds = strtod(value, &end);
    if (*end || end == value || !(seconds >= LEAST_INTERVAL && seconds <= MOST_INTERVAL))
        return "not a number of seconds from 0.1 to 3600";
    settings->interval = (int64_t)(seconds * 1e9);
    return NULL;
}

static const char *take_word(int *to, const char *words, const char *value,
                             const char *wrong)
{
    *to = mp_word_of(words, value);
    return *to < 0 ? wrong : NULL;
}

static const char *take(void *to, int key, const char *value)
{
    struct mp_top_options *settings = to;
    switch (key) {
    case KEY_BY:
        return take_word(
            &settings->group, mp_heap_live_groups, value,
            "not one of your-line, line, function, file, module, process, thread");
    case KEY_SORT:
        return take_word(
            &settings->sort, mp_heap_live_orders, value,
            "not one of live, rate, since, peak, blocks, allocated, temporary");
    case KEY_COLOUR:
        return take_word(&settings->colour, mp_colour_words, value,
                         "not one of auto, always, never");
    case 'n':
        return take_rows(settings, value);
    case 'i':
        return take_interval(settings, value);
    case KEY_MINE:
    case KEY_NOT_MINE:
        return mp_heap_mine_add(&settings->mine, value, key == KEY_MINE);
    case MP_HEAP_KEY_SINCE:
        return mp_heap_range_take(&settings->since, key, value);
    case 'o':
        settings->output = value;
        return NULL;
    case KEY_ONCE:
        settings->once = true;
        return NULL;
    case KEY_CHILDREN:
        settings->children = true;
        return NULL;
    case KEY_JSON:
        settings->json = true;
        return NULL;
    default:
        settings->alone = true;
        return NULL;
    }
}

/* The timeline that a process under mprof run is in, by what it was told; NULL: there is none. */
static char *timeline_of(const char *pid)
{
    static const char variable[] = "MPROF_RUN=";
    char path[64], *entry = NULL, *found = NULL;
    size_t room = 0;
    snprintf(path, sizeof path, "/proc/%.16s/environ", pid);
    FILE *environment = fopen(path, "re");
    while (environment && !found && getdelim(&entry, &room, 0, environment) > 0) {
        const char *at =
            strncmp(entry, variable, sizeof variable - 1) ? NULL : strstr(entry, ":/");
        if (at && mp_dat_is_ours(at + 1) == 1)
            found = strdup(at + 1);
    }
    if (environment)
        fclose(environment);
    free(entry);
    return found;
}

/* On a screen one can attach for as long as it is watched. */
static bool is_watching(const struct mp_top_options *settings)
{
    return !settings->once && !settings->json && mp_screen_is_terminal();
}

/* NULL with the number in the settings: it is to be attached to. */
static char *of_process(struct mp_top_options *settings, const char *pid)
{
    char *path = mp_heap_of_process(strtoll(pid, NULL, 10));
    bool unrecorded = !path && errno == ENOENT;
    if (unrecorded)
        path = timeline_of(pid);
    if (!path && !(unrecorded && is_watching(settings))) {
        path = mp_heap_choose_recorded(pid, &settings->pid); /* says why not */
        settings->pid = 0;
        return path;
    }
    settings->pid = strtoll(pid, NULL, 10);
    return path;
}

static char *choose(struct mp_top_options *settings, const char *operand)
{
    if (operand && mp_heap_is_process(operand))
        return of_process(settings, operand);
    if (operand)
        return mp_heap_choose_recorded(operand, &settings->pid);
    char *name = mp_newest_here(false);
    if (!name)
        mp_fail("no recording here; 'mprof heap script.py' makes one");
    return name;
}

static int open_recording(struct mp_top_model *model, const char *path,
                          const struct mp_top_options *settings)
{
    bool is_timeline = mp_heap_started(path) < 0 && mp_dat_is_ours(path) == 1;
    if (settings->since.what && (is_timeline || settings->group == MP_HEAP_LIVE_THREADS))
        return mp_fail(
            "top: --since is of a heap's lines: what %s held at a moment is not kept",
            is_timeline ? "the processes of a timeline" : "threads");
    return is_timeline ? mp_top_open_timeline(model, path, settings)
                       : mp_top_open_heap(model, path, settings);
}

static int run(void *from, int count, char **operands)
{
    struct mp_top_options *settings = from;
    struct mp_top_model model = {0};
    struct mp_top_attached attached = {0};
    char *path = choose(settings, count ? operands[0] : NULL);
    if (!path && !settings->pid)
        return MP_EXIT_FAILURE;
    settings->of_moments = settings->once && !settings->interval;
    settings->interval = settings->interval ? settings->interval : 1000000000;
    int code = path ? 0 : mp_top_attach(&attached, settings, &path);
    if (attached.mprof && !mp_attach_children_unrecorded(
                              (pid_t)settings->pid, settings->note, sizeof settings->note))
        *settings->note = 0;
    if (!code)
        code = open_recording(&model, path, settings);
    if (!code)
        code = mp_top_loop(&model, settings);
    if (model.it)
        model.release(model.it);
    free(path);
    int detached = mp_top_detach(&attached);
    return code ? code : detached;
}

const struct mp_command mp_command_top = {
    "top",
    "[file|pid]",
    "watch a recording while it is made",
    "Shows what a program that is being recorded holds now and how it grows: the lines of its heap under 'mprof heap' "
    "or heap.start(), the processes of its timeline under 'mprof run'. The recording is named by its file or its process "
    "(the newest here when neither is given). Nothing is asked of the program: the file alone is read. A process that is not "
    "recorded is attached to as by 'mprof heap PID', for as long as it is watched. Press ? for the keys.",
    MP_OPERANDS_WORD,
    options,
    take,
    sizeof(struct mp_top_options),
    run,
};
