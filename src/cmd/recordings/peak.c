/* mprof peak: the largest memory of recordings, with the kernel's marks between the samples. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/heap/balance.h"
#include "aggregate/timeline/peak.h"
#include "base/escape.h"
#include "cmd/heap/run.h"
#include "cmd/recordings/peak_by.h"
#include "cmd/recordings/read_profile.h"
#include "cmd/shared/command.h"
#include "cmd/shared/profiles.h"
#include "cmd/shared/size.h"

enum { KEY_FUNC = 256, KEY_JSON, KEY_MAX, KEY_BY, MOST_NAMED = 8 };

struct settings {
    const char *function, *by;
    bool json, has_max;
    int64_t max;
};

static const struct mp_option options[] = {
    {KEY_FUNC, "func", "NAME", "the peak while this function ran; not of children", NULL},
    {KEY_BY, "by", "WHAT",
     "a row for each host, worker or rank, with its highest recording", "host worker rank"},
    {KEY_JSON, "json", NULL, "print JSON, in bytes", NULL},
    {KEY_MAX, "max", "SIZE", "exit with 1 where a peak is over SIZE: 500M", NULL},
    {0},
};

static const char *take(void *to, int key, const char *value)
{
    struct settings *settings = to;
    if (key == KEY_FUNC)
        settings->function = value;
    settings->json |= key == KEY_JSON;
    if (key == KEY_BY) {
        settings->by = value;
        return mp_peak_by_parse(value) < 0 ? "peaks are summed up by host, worker or rank"
                                           : NULL;
    }
    if (key == KEY_MAX) {
        settings->has_max = true;
        settings->max = mp_size_parse(value);
    }
    return settings->max < 0 ? MP_SIZE_PROBLEM : NULL;
}

static double mib(int64_t bytes)
{
    return (double)bytes / MP_MIB;
}

static void put_path(const char *path)
{
    mp_escape_terminal(stdout, path, strlen(path), false);
}

/* Which there are, where none or several are called so. Returns the exit code. */
static int say_functions(const struct mp_timeline *timeline, const char *path,
                         const char *function)
{
    char *list = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&list, &size);
    for (size_t i = 0; stream && i < timeline->names.count && i < MOST_NAMED; i++)
        fprintf(stream, "%s%.*s", i ? ", " : "", (int)timeline->names.items[i].length,
                timeline->names.items[i].text);
    if (stream && timeline->names.count > MOST_NAMED)
        fputs(", ...", stream);
    if (stream)
        fclose(stream);
    int code =
        timeline->names.count
            ? mp_fail("%s has no one function %s; it has %s", path, function,
                      list ? list : "others")
            : mp_fail("%s has no functions; 'mprof run script.py' records those with "
                      "@profile",
                      path);
    free(list);
    return code;
}

static int print_function(const struct mp_timeline *timeline, const char *path,
                          const char *function)
{
    int name = mp_peak_find_function(timeline, function);
    put_path(path);
    if (name < 0)
        fputs("\tNaN MiB\n", stdout);
    else
        printf("\t%.3f MiB\n", mib(mp_peak_function(timeline, name)));
    return name < 0 ? say_functions(timeline, path, function) : MP_EXIT_OK;
}

static void print_kills(const struct mp_run_end *end)
{
    if (end->kills <= 0)
        return;
    bool its = end->ending == MP_ENDED_SIGNAL && end->code == SIGKILL;
    fputs(its ? "  killed by the kernel for memory"
              : "  processes of its control group were killed for memory",
          stdout);
    if (end->limit >= 0)
        printf(", limit %.3f MiB", mib(end->limit));
    putchar('\n');
}

static int print_lines(const struct mp_timeline *timeline, const char *path)
{
    int64_t peak = mp_peak_total(timeline);
    if (peak < 0)
        return mp_fail("%s holds no memory sample", path);
    put_path(path);
    printf("\t%.3f MiB\n", mib(peak));
    print_kills(&timeline->end);
    for (size_t i = 0; i < timeline->track_count; i++) {
        int64_t child = mp_peak_track(timeline, &timeline->tracks[i]);
        if (timeline->tracks[i].series.count)
            printf("  Child %d\t\t\t%.3f MiB\n", timeline->tracks[i].pid, mib(child));
    }
    return MP_EXIT_OK;
}

static void put_json_text(const char *key, const char *text)
{
    printf("\"%s\": ", key);
    mp_escape_json(stdout, text, strlen(text));
}

static void put_whose(const struct mp_identity *identity)
{
    const char *parts[][2] = {
        {"host", identity->host}, {"rank", identity->rank}, {"worker", identity->worker}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (*parts[i][1]) {
            fputs(", ", stdout);
            put_json_text(parts[i][0], parts[i][1]);
        }
}

static void print_json(const struct mp_timeline *timeline, const char *path,
                       const char *function, bool more)
{
    fputs("  {", stdout);
    put_json_text("file", path);
    if (function) {
        int name = mp_peak_find_function(timeline, function);
        fputs(", ", stdout);
        put_json_text("function", function);
        if (name < 0)
            fputs(", \"peak\": null", stdout);
        else
            printf(", \"peak\": %lld", (long long)mp_peak_function(timeline, name));
    } else if (mp_peak_total(timeline) < 0) {
        fputs(", \"peak\": null", stdout);
    } else {
        printf(", \"peak\": %lld, \"at_most\": %lld", (long long)mp_peak_total(timeline),
               (long long)mp_peak_bound(timeline));
    }
    put_whose(&timeline->identity);
    printf(", \"samples\": %zu, \"marks\": %zu, \"children\": [", timeline->total.count,
           timeline->mark_count);
    for (size_t i = 0; i < timeline->track_count; i++) {
        const struct mp_track *track = &timeline->tracks[i];
        printf("%s\n    {\"pid\": %d, ", i ? "," : "", track->pid);
        put_json_text("name", track->name ? track->name : "");
        printf(", \"peak\": %lld}", (long long)mp_peak_track(timeline, track));
    }
    printf("]}%s\n", more ? "," : "");
}

static void print_heap_json(const struct mp_heap_view *view, const char *path, int64_t peak,
                            int64_t time, bool more)
{
    const struct mp_heap_header *header = view->header;
    struct mp_heap_held held = mp_heap_held(view);
    fputs("  {", stdout);
    put_json_text("file", path);
    printf(", \"kind\": \"heap\", \"peak\": %" PRId64 ", \"peak_time\": %" PRId64
           ", \"held\": %" PRId64 ", \"reserved\": %" PRId64 ", \"sample\": %" PRIu64
           ", \"error\": %" PRId64 "}%s\n",
           peak, time, held.held, held.reserved, header->sample,
           mp_heap_error(header, peak), more ? "," : "");
}

static void print_heap_line(const struct mp_heap_view *view, const char *path, int64_t peak)
{
    const struct mp_heap_header *header = view->header;
    struct mp_heap_held held = mp_heap_held(view);
    put_path(path);
    printf("\t%.3f MiB", mib(peak));
    if (header->sample)
        printf(" +-%.3f MiB, sampled", mib(mp_heap_error(header, peak)));
    if (held.reserved)
        printf(", held %.3f MiB, reserved %.3f MiB", mib(held.held), mib(held.reserved));
    putchar('\n');
}

static int check(const struct settings *settings, const char *path, int64_t peak)
{
    return settings->has_max ? mp_size_check(path, peak, settings->max) : 0;
}

/* Of a heap capture: bytes in blocks, not resident memory. */
static int print_heap(const struct settings *settings, const char *path, bool more)
{
    struct mp_heap_run run;
    int64_t peak = 0, time = 0;
    int code = mp_heap_run_read(&run, path, false);
    if (!code)
        peak = mp_heap_run_peak(&run, &time);
    if (!code && settings->function)
        code = mp_fail(
            "%s is a heap capture: 'mprof lines' tells what functions hold in it", path);
    if (!code && run.incomplete)
        mp_note("%s: incomplete: %s", path, run.incomplete);
    if (!code && settings->json)
        print_heap_json(&run.view, path, peak, time, more);
    else if (!code)
        print_heap_line(&run.view, path, peak);
    if (!code)
        code = check(settings, path, peak);
    mp_heap_run_release(&run);
    return code;
}

static int64_t peak_of(const struct mp_timeline *timeline, const char *function)
{
    int name = function ? mp_peak_find_function(timeline, function) : -1;
    return name < 0 ? mp_peak_total(timeline) : mp_peak_function(timeline, name);
}

static int print_timeline(const struct settings *settings, const char *path, bool more)
{
    struct mp_timeline timeline;
    int code = mp_profiles_read(&timeline, path);
    if (!code && settings->json) {
        print_json(&timeline, path, settings->function, more);
        if (settings->function && mp_peak_find_function(&timeline, settings->function) < 0)
            code = say_functions(&timeline, path, settings->function);
    } else if (!code && settings->function)
        code = print_function(&timeline, path, settings->function);
    else if (!code)
        code = print_lines(&timeline, path);
    if (!code)
        code = check(settings, path, peak_of(&timeline, settings->function));
    mp_timeline_release(&timeline);
    return code;
}

static int print_by(const struct settings *settings, const struct mp_profiles *profiles)
{
    struct mp_peak_by_options options = {settings->by, settings->json,
                                         settings->has_max ? settings->max : -1};
    if (settings->function)
        return mp_fail("peak: --func is of single recordings, without --by");
    return mp_peak_by_print(profiles->names, profiles->count, &options);
}

static int print_each(const struct settings *settings, const struct mp_profiles *profiles)
{
    int failed = 0;
    if (settings->json)
        puts("[");
    for (size_t i = 0; i < profiles->count; i++) {
        const char *path = profiles->names[i];
        bool more = i + 1 < profiles->count;
        int code = mp_heap_started(path) >= 0 ? print_heap(settings, path, more)
                                              : print_timeline(settings, path, more);
        failed = code ? code : failed;
    }
    if (settings->json)
        puts("]");
    mp_profiles_told();
    return failed;
}

static int run(void *from, int count, char **operands)
{
    const struct settings *settings = from;
    struct mp_profiles profiles;
    int failed = mp_profiles_or_latest(&profiles, count, operands);
    if (!failed)
        failed =
            settings->by ? print_by(settings, &profiles) : print_each(settings, &profiles);
    if (!failed && profiles.missing)
        failed = MP_EXIT_FAILURE;
    mp_profiles_release(&profiles);
    return failed;
}

const struct mp_command mp_command_peak = {
    "peak",
    "[file|index...]",
    "print the maximum memory used by an mprof run",
    "Prints the peak of recordings (the latest when none is given), peaks between samples "
    "included where the kernel's high-water marks were recorded. Of a heap capture, the most bytes "
    "that were in blocks of Python's allocators at once.",
    MP_OPERANDS_PROFILES,
    options,
    take,
    sizeof(struct settings),
    run,
};
