/* mprof leaks: what of a heap keeps growing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/heap/leaks.h"
#include "aggregate/heap/rows.h"
#include "cmd/heap/choice.h"
#include "cmd/heap/limit.h"
#include "cmd/heap/table_types.h"
#include "cmd/heap/views.h"
#include "cmd/shared/command.h"
#include "cmd/shared/words.h"
#include "report/heap/diff.h"
#include "report/heap/leaks.h"
#include "report/heap/table.h"

enum { KEY_FAIL_OVER = 256, KEY_BY, FALLBACK_ROWS = 10 };
enum { BY_LINE, BY_TYPE };

static const char groups[] = "line type";

struct settings {
    struct mp_heap_asked asked;
    struct mp_heap_limit limit;
    int by; /* position in the words above */
    struct mp_heap_asked_range since;
    bool several_clocks; /* the processes have */
    bool of_several;     /* processes: each has the moment that is nearest */
};

static const struct mp_option options[] = {
    {MP_HEAP_KEY_SINCE, "since", "WHEN",
     "from which moment on: 12.5s, start, peak, or a mark's name (default: the first quarter of the moments is "
     "left out)",
     NULL},
    {'n', "rows", "N",
     "how many rows of each kind (default: 10 of those with a thousandth of the heap and 64 KiB)",
     NULL},
    {KEY_FAIL_OVER, "fail-over", "SIZE",
     "exit with 1 when what keeps growing grew by more: 1MiB, 512K, or 5% of the heap then",
     NULL},
    {KEY_BY, "by", "WHAT",
     "rows: line (default), or type: beside them, what those that keep growing hold at the end",
     groups},
    MP_HEAP_OPTION_NO_CHILDREN,
    MP_HEAP_OPTION_SOURCE_ROOT,
    MP_HEAP_OPTION_MINE,
    MP_HEAP_OPTION_SCREEN,
    MP_HEAP_OPTION_JSON,
    {0},
};

static const char *take(void *to, int key, const char *value)
{
    struct settings *settings = to;
    if (key == KEY_BY) {
        settings->by = mp_word_of(groups, value);
        return settings->by < 0 ? "not one of line, type" : NULL;
    }
    if (key == KEY_FAIL_OVER)
        return mp_heap_take_limit(&settings->limit, value);
    return mp_heap_asked_take(&settings->asked, key, value);
}

/* Where nothing can be said of growth: what is live now, beside the peak. */
static void print_live(struct mp_heap_views *views)
{
    struct mp_heap_rows rows;
    struct mp_heap_table_options how = {.form = MP_HEAP_TABLE_TEXT,
                                        .most = FALLBACK_ROWS,
                                        .least = MP_HEAP_LEAST_SHARE,
                                        .style = &views->style};
    puts("\nwhat is live, beside the peak:");
    mp_heap_rows_init(&rows, &views->run.view, &views->lines, MP_HEAP_EACH_LINE);
    mp_heap_rows_sort(&rows, MP_HEAP_LIVE);
    mp_heap_table_print(stdout, &rows, &how);
    mp_heap_rows_release(&rows);
}

/* Whether more than the limit may have grown unseen. */
static bool cannot_tell(const struct mp_heap_leaks_view *view)
{
    const struct mp_heap_leaks *leaks = view->leaks;
    enum mp_heap_verdict verdict = mp_heap_verdict_of(leaks);
    return verdict == MP_HEAP_TOO_SHORT ||
           (verdict != MP_HEAP_LEAKS &&
            mp_heap_limit_is_over(&view->limit, leaks->least, leaks->live_at_first));
}

static int say_why(const struct mp_heap_leaks_view *view)
{
    char *why = NULL, least[MP_HEAP_FIGURE];
    size_t size;
    FILE *out = open_memstream(&why, &size);
    if (!out)
        return mp_fail("out of memory");
    mp_heap_leaks_put_why(out, view->leaks);
    if (mp_heap_verdict_of(view->leaks) == MP_HEAP_NO_LEAK)
        fprintf(out, "of less than %s samples cannot tell whether it keeps growing",
                mp_heap_size(view->leaks->least, least));
    fclose(out);
    int code = mp_fail("leaks: %s: %s", view->name, why);
    free(why);
    return code;
}

/* The exit code, and why was said. */
static int check_limit(const struct mp_heap_leaks_view *view)
{
    char growth[MP_HEAP_FIGURE];
    if (!view->limit.set)
        return MP_EXIT_OK;
    if (cannot_tell(view))
        return say_why(view);
    if (!mp_heap_leaks_are_over(view))
        return MP_EXIT_OK;
    mp_note("what keeps growing grew by %s, more than --fail-over allows",
            mp_heap_growth(mp_heap_leaks_growth(view->leaks), growth) + 1);
    return MP_EXIT_FAILURE;
}

/* The moment that ends the first quarter of them. Not of the time: there are none while a program is idle. */
static int64_t first_quarter(const struct mp_heap_view *view)
{
    struct mp_heap_instant instants[MP_HEAP_INSTANTS];
    size_t count = mp_heap_instants(view, instants), moments = 0;
    for (size_t i = 0; i < count; i++)
        if (instants[i].when == MP_HEAP_WHEN_MOMENT ||
            instants[i].when == MP_HEAP_WHEN_MARK)
            instants[moments++] = instants[i];
    return moments ? instants[moments / 4].time : 0;
}

/* 0, or the exit code, and why was said. */
static int find_since(const struct settings *settings, const struct mp_heap_views *views,
                      int64_t *since)
{
    const struct mp_heap_view *view = &views->run.view;
    struct mp_heap_range range = {0};
    int code = MP_EXIT_OK;
    *since = first_quarter(view);
    if (settings->since.what && settings->of_several)
        mp_heap_range_beside(&settings->since, view, !settings->several_clocks, &range);
    else if (settings->since.what)
        code = mp_heap_range_find(&settings->since, view, views->path, &range);
    if (settings->since.what)
        *since = range.from.time;
    return code;
}

static int print(const struct settings *settings, struct mp_heap_views *views,
                 const struct mp_heap_leaks_view *what)
{
    if (settings->asked.json)
        mp_heap_leaks_json(stdout, what);
    else
        mp_heap_leaks_text(stdout, what);
    if (!settings->asked.json && mp_heap_leaks_cannot_tell(what->leaks))
        print_live(views);
    return check_limit(what);
}

/* What leaks are, where that was counted; `growing`: in one, what all are that keep growing. */
static int find_types(const struct mp_heap_leaks *leaks, const struct mp_heap_view *view,
                      struct mp_heap_type_rows *types, struct mp_heap_type_rows *growing)
{
    struct mp_heap_typing typing = mp_heap_typing_of(view);
    size_t nodes = view->counts[MP_HEAP_NODES];
    uint32_t *places = calloc(nodes + 1, sizeof *places);
    int failed = places ? 0 : -1;
    for (size_t i = 0; i < nodes && !failed; i++)
        places[i] = leaks->places[i] - 1 < leaks->counts[MP_HEAP_TREND_GROWS];
    if (!failed)
        failed = mp_heap_type_rows_init(types, &typing, leaks->places) ||
                 mp_heap_type_rows_init(growing, &typing, places);
    free(places);
    return failed;
}

static int show(struct mp_heap_views *views, const void *from)
{
    const struct settings *settings = from;
    struct mp_heap_leaks leaks = {0};
    const struct mp_heap_view *view = &views->run.view;
    int64_t since = 0;
    int code = find_since(settings, views, &since);
    if (code)
        return code;
    if (mp_heap_leaks_init(&leaks, view, &views->own, views->lines.calls.lines, since))
        return mp_fail("out of memory");
    struct mp_heap_type_rows types = {0}, growing = {0};
    if (leaks.places && find_types(&leaks, view, &types, &growing))
        code = mp_fail("out of memory");
    else if (settings->by == BY_TYPE)
        code = mp_heap_check_types(views);
    struct mp_heap_leaks_view what = {.leaks = &leaks,
                                      .view = view,
                                      .lines = views->lines.calls.lines,
                                      .name = views->path,
                                      .incomplete = views->run.incomplete,
                                      .most = settings->asked.most,
                                      .limit = settings->limit,
                                      .types = leaks.places ? &types : NULL,
                                      .growing = leaks.places ? &growing : NULL,
                                      .by_type = settings->by == BY_TYPE,
                                      .source = mp_source_line,
                                      .context = &views->source,
                                      .style = views->style};
    if (!code)
        code = print(settings, views, &what);
    mp_heap_type_rows_release(&types);
    mp_heap_type_rows_release(&growing);
    mp_heap_leaks_release(&leaks);
    return code;
}

/* By how much a process keeps growing; -1 where that is not known. */
static int64_t growth_of(const struct settings *settings, char *path)
{
    struct mp_heap_views views;
    struct mp_heap_leaks leaks = {0};
    int64_t since, growth = -1;
    if (!mp_heap_views_init(&views, 1, &path, &settings->asked) &&
        !find_since(settings, &views, &since) &&
        !mp_heap_leaks_init(&leaks, &views.run.view, &views.own, views.lines.calls.lines,
                            since))
        growth = mp_heap_leaks_growth(&leaks);
    mp_heap_leaks_release(&leaks);
    mp_heap_views_release(&views);
    return growth;
}

/* The moment that is asked for may be a mark of any of them. */
static void look_everywhere(struct settings *settings,
                            const struct mp_heap_processes *processes)
{
    for (size_t i = 0; settings->since.what && i < processes->count; i++) {
        struct mp_heap_capture capture;
        if (mp_heap_read(&capture, processes->processes[i].file) == MP_HEAP_OK)
            mp_heap_range_look(&settings->since, &capture.view);
        mp_heap_capture_release(&capture);
    }
}

/* Of several processes each has moments of its own: the one that keeps growing most. */
static char *choose_process(struct settings *settings,
                            const struct mp_heap_processes *processes)
{
    size_t best = 0;
    int64_t most = -1;
    settings->of_several = true;
    look_everywhere(settings, processes);
    if (settings->since.what && !settings->since.seen[0])
        settings->of_several = false; /* nobody has it: the first one says so */
    for (size_t i = 0; settings->of_several && i < processes->count; i++) {
        int64_t growth = growth_of(settings, processes->processes[i].file);
        best = growth > most ? i : best;
        most = growth > most ? growth : most;
    }
    if (settings->of_several)
        mp_note(
            "of %zu processes %s keeps growing most; 'mprof leaks FILE' shows another's",
            processes->count, processes->processes[best].file);
    return strdup(processes->processes[best].file);
}

static int run(void *from, int count, char **operands)
{
    struct settings *settings = from;
    struct mp_heap_run whole = {0};
    settings->since = settings->asked.range;
    settings->asked.range = (struct mp_heap_asked_range){0};
    settings->asked.how |= MP_HEAP_TOGETHER;
    struct mp_heap_members members;
    char *path, *chosen = NULL;
    int code = mp_heap_choose_all(&members, &path, count, operands);
    if (!code)
        code = mp_heap_run_read_all(
            &whole, &members, settings->asked.how & MP_HEAP_ALONE ? MP_HEAP_RUN_ALONE : 0,
            NULL);
    settings->asked.how |= MP_HEAP_ALONE;
    settings->several_clocks = whole.view.several_clocks;
    if (!code && settings->several_clocks && mp_heap_range_is_time(&settings->since))
        code = mp_fail(MP_HEAP_CLOCKS);
    if (!code && whole.view.processes)
        chosen = choose_process(settings, &whole.processes);
    mp_heap_run_release(&whole);
    if (!code)
        code = mp_heap_views_show(1, chosen ? &chosen : &path, &settings->asked, show,
                                  settings);
    mp_heap_members_release(&members);
    free(chosen);
    free(path);
    return code;
}

const struct mp_command mp_command_leaks = {
    "leaks",
    "[file|folder|index...]",
    "print which lines of a heap capture keep growing",
    "Prints which of your lines hold more and more memory, by the moments of a heap capture (the newest "
    "here when none is given): by how much, how much an hour, at how many of the moments it rose, and how "
    "much of what was ever allocated there is kept. What grew once and stayed and what imports hold is "
    "apart. The program may still be running.",
    MP_OPERANDS_PROFILES,
    options,
    take,
    sizeof(struct settings),
    run,
};
