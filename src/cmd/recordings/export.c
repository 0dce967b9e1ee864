/* mprof export: recordings in the formats of other tools. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/saturate.h"
#include "cmd/heap/choice.h"
#include "cmd/heap/measure.h"
#include "cmd/heap/run.h"
#include "cmd/recordings/read_profile.h"
#include "cmd/shared/command.h"
#include "cmd/shared/here.h"
#include "cmd/shared/profiles.h"
#include "cmd/shared/words.h"
#include "cmd/shared/write_page.h"
#include "report/heap/export.h"
#include "report/timeline/export.h"
#include "store/heap/read.h"

enum { KEY_TO = 256, KEY_FOLD, KEY_NO_CHILDREN, KEY_FORCE };

/* In the order of the formats. */
static const char formats[] = "collapsed speedscope pprof massif csv json";

struct settings {
    const char *output; /* NULL, "-": standard output */
    int format, measure;
    bool chosen, measured, fold, alone, force;
    struct mp_heap_asked_range range;
};

static const struct mp_option options[] = {
    {KEY_TO, "to", "FORMAT",
     "collapsed, speedscope, pprof, massif, csv or json; of a timeline csv or json",
     formats},
    MP_HEAP_OPTION_MEASURE_OR_GROWTH,
    MP_HEAP_OPTIONS_RANGE,
    {'o', "output", "FILE", "write to FILE (default, and '-': standard output)", NULL},
    {KEY_FOLD, "fold-recursion", NULL,
     "take each function and line of a recursion for one frame", NULL},
    {KEY_NO_CHILDREN, "no-children", NULL, "take the first process alone", NULL},
    {KEY_FORCE, "force", NULL, "replace an existing FILE that is no export of ours", NULL},
    {0},
};

static const char *take_measure(struct settings *settings, const char *value)
{
    settings->measured = true;
    return mp_heap_take_measure_or_growth(&settings->measure, value);
}

static const char *take(void *to, int key, const char *value)
{
    struct settings *settings = to;
    if (mp_heap_range_is_key(key))
        return mp_heap_range_take(&settings->range, key, value);
    switch (key) {
    case KEY_TO:
        settings->chosen = true;
        settings->format = mp_word_of(formats, value);
        return settings->format < 0
                   ? "not one of collapsed, speedscope, pprof, massif, csv, json"
                   : NULL;
    case MP_HEAP_KEY_MEASURE:
        return take_measure(settings, value);
    case 'o':
        settings->output = value;
        return NULL;
    case KEY_FOLD:
        settings->fold = true;
        return NULL;
    case KEY_NO_CHILDREN:
        settings->alone = true;
        return NULL;
    default:
        settings->force = true;
        return NULL;
    }
}

static bool is_export(int fd)
{
    char start[1024];
    ssize_t length = pread(fd, start, sizeof start, 0);
    return length > 0 && (mp_heap_export_is_ours(start, (size_t)length) ||
                          mp_timeline_export_is_ours(start, (size_t)length));
}

static bool is_standard(const char *output)
{
    return !output || !strcmp(output, "-");
}

/* What could not be written to standard output is said at the end, by main(). */
static int write_export(const struct settings *settings, const char *recording,
                        mp_put_page *put, const void *what)
{
    if (is_standard(settings->output))
        return put(stdout, what) ? mp_fail("out of memory") : MP_EXIT_OK;
    struct mp_page_target target = {settings->output, mp_page_mode(recording),
                                    settings->force, is_export, "an export of ours"};
    return mp_write_page(&target, put, what);
}

static int put_heap(FILE *out, const void *what)
{
    return mp_heap_export(out, what);
}

static int put_timeline(FILE *out, const void *what)
{
    const struct mp_timeline_export *export = what;
    mp_timeline_export_csv(out, export);
    return 0;
}

static int put_timeline_json(FILE *out, const void *what)
{
    const struct mp_timeline_export *export = what;
    mp_timeline_export_json(out, export);
    return 0;
}

/* What a format has no negative numbers for. */
static void say_left_out(const struct settings *settings,
                         const struct mp_flame_calls *calls, const char *path)
{
    char size[MP_HEAP_FIGURE];
    int64_t shrank = 0;
    for (size_t i = 0; i < calls->flame->count; i++) {
        int64_t bytes = calls->own[i][MP_HEAP_MEASURE_GROWTH].bytes;
        shrank = mp_sum(shrank, bytes < 0 ? bytes : 0);
    }
    if (shrank && (settings->format == MP_HEAP_EXPORT_COLLAPSED ||
                   settings->format == MP_HEAP_EXPORT_SPEEDSCOPE))
        mp_note(
            "%s: stacks that shrank, %s in all, are left out: --to csv, json or pprof has "
            "them",
            path, mp_heap_size(shrank, size));
}

static int export_run(const struct settings *settings, const char *path,
                      const struct mp_heap_run *run)
{
    struct mp_flame flame;
    struct mp_flame_calls calls = {0};
    struct mp_heap_paths paths = {0};
    struct mp_flame_options how = {.most = SIZE_MAX,
                                   .depth = MP_HEAP_EXPORT_DEPTH,
                                   .fold = settings->fold ? 2 : 0,
                                   .together = true};
    char *here = getcwd(NULL, 0);
    int code;
    if (mp_flame_init(&flame, &run->view, &how) ||
        mp_flame_calls_init(&calls, &flame, (enum mp_heap_measure)settings->measure) ||
        mp_heap_paths_init(&paths, &run->view, here)) {
        code = mp_fail("out of memory");
    } else {
        struct mp_heap_export export = {.format =
                                            (enum mp_heap_export_format)settings->format,
                                        .measure = (enum mp_heap_measure)settings->measure,
                                        .name = path,
                                        .incomplete = run->incomplete,
                                        .view = &run->view,
                                        .paths = &paths,
                                        .calls = &calls};
        code = write_export(settings, path, put_heap, &export);
    }
    if (!code && settings->measure == MP_HEAP_MEASURE_GROWTH)
        say_left_out(settings, &calls, path);
    mp_heap_paths_release(&paths);
    mp_flame_calls_release(&calls);
    mp_flame_release(&flame);
    free(here);
    return code ? code : mp_heap_run_warn(run, path);
}

/* One capture, or several together. */
static int export_heap(const struct settings *settings, int count, char **operands)
{
    struct mp_heap_run run = {0};
    struct mp_heap_members members = {0};
    char *path = NULL;
    if (settings->measure == MP_HEAP_MEASURE_GROWTH &&
        settings->format == MP_HEAP_EXPORT_MASSIF)
        return mp_fail("massif's format has no growth: --to pprof, csv, json, collapsed or "
                       "speedscope");
    int code = mp_heap_choose_all(&members, &path, count, operands);
    if (!code)
        code = mp_heap_run_read_all(&run, &members, settings->alone ? MP_HEAP_RUN_ALONE : 0,
                                    &settings->range);
    if (!code)
        code = export_run(settings, path, &run);
    mp_heap_run_release(&run);
    mp_heap_members_release(&members);
    free(path);
    return code;
}

static int export_timeline(const struct settings *settings, const char *path)
{
    struct mp_timeline timeline;
    struct mp_timeline_export export = {&timeline, path};
    bool json = settings->format == MP_HEAP_EXPORT_JSON;
    int code = mp_profiles_read(&timeline, path);
    if (!code && !json && settings->format != MP_HEAP_EXPORT_CSV)
        code = mp_fail("%s is a timeline, it has no stacks: --to csv or --to json", path);
    else if (!code && (settings->measured || settings->range.what))
        code = mp_fail("%s is a timeline, it has no measures nor moments: leave --measure, "
                       "--at, --between and --since out",
                       path);
    if (!code)
        code =
            write_export(settings, path, json ? put_timeline_json : put_timeline, &export);
    mp_timeline_release(&timeline);
    return code;
}

static int export_file(const struct settings *settings, char *path)
{
    return mp_heap_started(path) >= 0 ? export_heap(settings, 1, &path)
                                      : export_timeline(settings, path);
}

/* Standard output is the export's: what is taken is said beside it. Heap captures come first, as in
   all that shows one. */
static int export_newest(const struct settings *settings)
{
    char *name = mp_newest_here(true);
    name = name ? name : mp_newest_here(false);
    if (!name)
        return mp_fail("no recording here; 'mprof heap script.py' makes one");
    mp_note("reading %s, the newest recording here", name);
    int code = export_file(settings, name);
    free(name);
    return code;
}

static int refuse(const char *why)
{
    mp_fail("export: %s; see 'mprof help export'", why);
    return MP_EXIT_USAGE;
}

static int run(void *from, int count, char **operands)
{
    struct settings *settings = from;
    struct mp_profiles profiles;
    int wrong = mp_heap_settle_measure("export", &settings->range, settings->measured,
                                       &settings->measure);
    if (wrong)
        return wrong;
    if (!settings->chosen)
        return refuse("needs --to FORMAT");
    if (settings->format == MP_HEAP_EXPORT_PPROF && is_standard(settings->output) &&
        isatty(STDOUT_FILENO))
        return refuse("pprof is no text for a terminal: -o FILE writes it");
    if (!count)
        return export_newest(settings);
    if (count > 1 || mp_heap_is_meant(operands[0]) || strpbrk(operands[0], "*?["))
        return export_heap(settings, count, operands);
    int code = mp_profiles_choose(&profiles, count, operands);
    if (!code && profiles.count)
        code = export_file(settings, profiles.names[0]);
    else
        code = MP_EXIT_FAILURE;
    mp_profiles_release(&profiles);
    return code;
}

const struct mp_command mp_command_export = {
    "export",
    "--to FORMAT [file|folder|index...]",
    "write a recording in another tool's format",
    "Writes a heap capture (the newest here when none is given) for another tool: collapsed "
    "stacks for flamegraph.pl and inferno, speedscope, pprof, massif for ms_print, CSV or JSON. "
    "All that it writes sums to what 'mprof report' says. A timeline becomes CSV or JSON.",
    MP_OPERANDS_PROFILES,
    options,
    take,
    sizeof(struct settings),
    run,
};
