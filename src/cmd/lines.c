/* mprof lines: which files hold the memory in a heap capture, and each line of one of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/command.h"
#include "cmd/heap_views.h"
#include "report/heap_annotated.h"
#include "report/heap_json.h"
#include "report/heap_summary.h"

enum { KEY_JSON = 256, KEY_ALL_FRAMES, KEY_NO_CHILDREN, USUAL_FILES = 20, MOST_NAMED = 5 };

struct settings {
    bool json, all_frames, alone, all, whole;
    size_t most;
};

static const struct mp_option options[] = {
    {'a', "all", NULL, "list each file of packages and of the standard library", NULL},
    {'w', "whole", NULL, "show the whole source, not only functions that allocated", NULL},
    {'n', "files", "N", "list so many files (default: 20)", NULL},
    {KEY_ALL_FRAMES, "all-frames", NULL, "show memory_profiler's own files too", NULL},
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
    settings->all |= key == 'a';
    settings->whole |= key == 'w';
    return key == 'n' ? mp_heap_take_most(&settings->most, value) : NULL;
}

static struct mp_heap_json_options json_options(const struct mp_heap_views *views)
{
    return (struct mp_heap_json_options){
        .name = views->path, .incomplete = views->run.incomplete, .own = views->hidden};
}

static void print_title(const struct mp_heap_views *views)
{
    mp_heap_put_title(stdout, &views->run.view, views->path, views->run.incomplete,
                      &views->style);
}

static int print_groups(struct mp_heap_views *views, const struct settings *settings)
{
    int failed = 0;
    struct mp_heap_groups groups;
    struct mp_heap_json_options json = json_options(views);
    const struct mp_heap_view *view = &views->run.view;
    bool every = settings->all || settings->most;
    if (mp_heap_groups_init(&groups, view, &views->lines, settings->all))
        return mp_fail("out of memory");
    if (settings->json) {
        mp_heap_groups_json(stdout, view, &groups, &json);
    } else {
        print_title(views);
        failed = mp_heap_groups_text(stdout, view, &groups, &views->style,
                                     settings->most ? settings->most : USUAL_FILES,
                                     every ? 0 : MP_HEAP_LEAST_SHARE);
    }
    mp_heap_groups_release(&groups);
    return failed ? mp_fail("out of memory") : MP_EXIT_OK;
}

static int print_listing(struct mp_heap_views *views, const struct settings *settings,
                         struct mp_heap_text file)
{
    struct mp_heap_listing listing;
    struct mp_heap_json_options json = json_options(views);
    const struct mp_heap_view *view = &views->run.view;
    const struct mp_heap_source_text *source = mp_source_read(&views->source, view, file);
    if (!source || mp_heap_listing_init(&listing, view, &views->lines, file))
        return mp_fail("out of memory");
    if (settings->json) {
        mp_heap_listing_json(stdout, view, &listing, source, &json);
    } else {
        print_title(views);
        mp_heap_listing_text(stdout, view, &listing, source, &views->style,
                             settings->whole);
    }
    mp_heap_listing_release(&listing);
    return MP_EXIT_OK;
}

/* "b/c.py" is the end of "/a/b/c.py", but not of "/a/xb/c.py". */
static bool is_end_of(const char *path, size_t length, const char *end)
{
    size_t its = strlen(end);
    if (its > length || memcmp(path + length - its, end, its) != 0)
        return false;
    return its == length || end[0] == '/' || path[length - its - 1] == '/';
}

/* The files of groups (each file one) that a name may mean; whole names count alone. */
struct matches {
    const struct mp_heap_group *first[MOST_NAMED];
    size_t count;
};

static struct matches match(const struct mp_heap_view *view,
                            const struct mp_heap_groups *groups, const char *name,
                            bool whole)
{
    struct matches matches = {0};
    for (size_t i = 0; i < groups->count; i++) {
        struct mp_heap_text file = groups->groups[i].name;
        const char *path = view->text + file.offset;
        bool fits = whole ? file.length == strlen(name) && !memcmp(path, name, file.length)
                          : is_end_of(path, file.length, name);
        if (!fits || !file.length)
            continue;
        if (matches.count < MOST_NAMED)
            matches.first[matches.count] = &groups->groups[i];
        matches.count++;
    }
    return matches;
}

static int say_ambiguous(const struct mp_heap_view *view, const struct matches *matches,
                         const char *name)
{
    char *list = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&list, &size);
    for (size_t i = 0; stream && i < matches->count && i < MOST_NAMED; i++) {
        struct mp_heap_text file = matches->first[i]->name;
        fprintf(stream, "%s%.*s", i ? ", " : "", (int)file.length,
                view->text + file.offset);
    }
    if (stream)
        fclose(stream);
    int code = mp_fail("%s may be %s%s: give more of the path", name, list ? list : "",
                       matches->count > MOST_NAMED ? ", ..." : "");
    free(list);
    return code;
}

static int print_source(struct mp_heap_views *views, const struct settings *settings,
                        const char *name)
{
    struct mp_heap_groups groups;
    const struct mp_heap_view *view = &views->run.view;
    char *whole = realpath(name, NULL);
    if (mp_heap_groups_init(&groups, view, &views->lines, true)) {
        free(whole);
        return mp_fail("out of memory");
    }
    struct matches matches = match(view, &groups, name, true);
    if (!matches.count && whole)
        matches = match(view, &groups, whole, true);
    if (!matches.count)
        matches = match(view, &groups, name, false);
    int code = matches.count == 1 ? print_listing(views, settings, matches.first[0]->name)
               : matches.count > 1
                   ? say_ambiguous(view, &matches, name)
                   : mp_fail("%s allocated nothing in %s: 'mprof lines %s --all' "
                             "lists the files that did",
                             name, views->path, views->path);
    free(whole);
    mp_heap_groups_release(&groups);
    return code;
}

static int run(void *from, int count, char **operands)
{
    const struct settings *settings = from;
    struct mp_heap_views views;
    if (count > 2) {
        mp_fail("lines: takes a capture and a source, was also given '%s'; see 'mprof help "
                "lines'",
                operands[2]);
        return MP_EXIT_USAGE;
    }
    unsigned how = (settings->all_frames ? MP_HEAP_ALL_FRAMES : 0) |
                   (settings->alone ? MP_HEAP_ALONE : 0);
    int code = mp_heap_views_init(&views, count ? operands[0] : NULL, how);
    if (!code)
        code = count == 2 ? print_source(&views, settings, operands[1])
                          : print_groups(&views, settings);
    mp_heap_views_release(&views);
    return code;
}

const struct mp_command mp_command_lines = {
    "lines",
    "[file|index [source]]",
    "print the source with the memory each line holds",
    "Lists the files that hold the memory in a heap capture (the newest here when none is "
    "given), most at the peak first; or the source of one of them, given by its path or the end "
    "of it, with the bytes each line held at the peak, with all that it called (cumul.) and "
    "itself, what it still holds and ever allocated, and how many blocks. 1.5K is 1.5 KiB.",
    MP_OPERANDS_PROFILES,
    options,
    take,
    sizeof(struct settings),
    run,
};
