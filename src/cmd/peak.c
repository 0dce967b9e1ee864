/* mprof peak: the largest memory of recordings, with the kernel's marks between the samples. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/peak.h"
#include "base/escape.h"
#include "cmd/command.h"
#include "cmd/heap_run.h"
#include "cmd/profiles.h"

enum { KEY_FUNC = 256, KEY_JSON };

struct settings {
    const char *function;
    bool json;
};

static const struct mp_option options[] = {
    {KEY_FUNC, "func", "NAME", "the peak while this function ran; not of children", NULL},
    {KEY_JSON, "json", NULL, "print JSON, in bytes", NULL},
    {0},
};

static const char *take(void *to, int key, const char *value)
{
    struct settings *settings = to;
    if (key == KEY_FUNC)
        settings->function = value;
    settings->json |= key == KEY_JSON;
    return NULL;
}

static double mib(int64_t bytes)
{
    return (double)bytes / MP_MIB;
}

static void put_path(const char *path)
{
    mp_escape_terminal(stdout, path, strlen(path), false);
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
    return MP_EXIT_OK;
}

static int print_lines(const struct mp_timeline *timeline, const char *path)
{
    int64_t peak = mp_peak_total(timeline);
    if (peak < 0)
        return mp_fail("%s holds no memory sample", path);
    put_path(path);
    printf("\t%.3f MiB\n", mib(peak));
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

static void print_heap_json(const struct mp_heap_header *header, const char *path,
                            int64_t peak, int64_t time, bool more)
{
    fputs("  {", stdout);
    put_json_text("file", path);
    printf(", \"kind\": \"heap\", \"peak\": %" PRId64 ", \"peak_time\": %" PRId64
           ", \"sample\": %" PRIu64 ", \"error\": %" PRId64 "}%s\n",
           peak, time, header->sample, mp_heap_error(header, peak), more ? "," : "");
}

static void print_heap_line(const struct mp_heap_header *header, const char *path,
                            int64_t peak)
{
    put_path(path);
    printf("\t%.3f MiB", mib(peak));
    if (header->sample)
        printf(" +-%.3f MiB, sampled", mib(mp_heap_error(header, peak)));
    putchar('\n');
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
        print_heap_json(run.view.header, path, peak, time, more);
    else if (!code)
        print_heap_line(run.view.header, path, peak);
    mp_heap_run_release(&run);
    return code;
}

static int print_timeline(const struct settings *settings, const char *path, bool more)
{
    struct mp_timeline timeline;
    int code = mp_profiles_read(&timeline, path);
    if (!code && settings->json)
        print_json(&timeline, path, settings->function, more);
    else if (!code && settings->function)
        code = print_function(&timeline, path, settings->function);
    else if (!code)
        code = print_lines(&timeline, path);
    mp_timeline_release(&timeline);
    return code;
}

static int run(void *from, int count, char **operands)
{
    const struct settings *settings = from;
    struct mp_profiles profiles;
    int failed = mp_profiles_or_latest(&profiles, count, operands);
    if (settings->json && !failed)
        puts("[");
    for (size_t i = 0; i < profiles.count; i++) {
        const char *path = profiles.names[i];
        bool more = i + 1 < profiles.count;
        int code = mp_heap_started(path) >= 0 ? print_heap(settings, path, more)
                                              : print_timeline(settings, path, more);
        failed = code ? code : failed;
    }
    if (settings->json && profiles.count)
        puts("]");
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
