/* mprof peak: the largest memory of recordings, with the kernel's marks between the samples. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/peak.h"
#include "base/escape.h"
#include "cmd/command.h"
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

static int run(void *from, int count, char **operands)
{
    const struct settings *settings = from;
    struct mp_profiles profiles;
    int failed = mp_profiles_or_latest(&profiles, count, operands);
    if (settings->json && !failed)
        puts("[");
    for (size_t i = 0; i < profiles.count; i++) {
        struct mp_timeline timeline;
        int code = mp_profiles_read(&timeline, profiles.names[i]);
        if (!code && settings->json)
            print_json(&timeline, profiles.names[i], settings->function,
                       i + 1 < profiles.count);
        else if (!code && settings->function)
            code = print_function(&timeline, profiles.names[i], settings->function);
        else if (!code)
            code = print_lines(&timeline, profiles.names[i]);
        failed = code ? code : failed;
        mp_timeline_release(&timeline);
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
    "included where the kernel's high-water marks were recorded.",
    MP_OPERANDS_PROFILES,
    options,
    take,
    sizeof(struct settings),
    run,
};
