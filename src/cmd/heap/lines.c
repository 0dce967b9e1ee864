/* mprof lines: which files hold the memory in a heap capture, and each line of one of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/heap/choice.h"
#include "cmd/heap/source_choice.h"
#include "cmd/heap/views.h"
#include "cmd/shared/command.h"
#include "report/heap/annotated.h"
#include "report/heap/json.h"
#include "report/heap/summary.h"

enum { USUAL_FILES = 20 };

struct settings {
    struct mp_heap_asked asked;
    bool all, whole;
    const char *source; /* the operand, or NULL */
};

static const struct mp_option options[] = {
    {'a', "all", NULL, "list each file of packages and of the standard library", NULL},
    {'w', "whole", NULL, "show the whole source, not only functions that allocated", NULL},
    {'n', "files", "N", "list so many files (default: 20)", NULL},
    {MP_HEAP_KEY_ALL_FRAMES, "all-frames", NULL, "show memory_profiler's own files too",
     NULL},
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
    settings->all |= key == 'a';
    settings->whole |= key == 'w';
    return mp_heap_asked_take(&settings->asked, key, value);
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
    struct mp_heap_json_options json = mp_heap_views_json(views);
    const struct mp_heap_view *view = &views->run.view;
    bool every = settings->all || settings->asked.most;
    if (mp_heap_groups_init(&groups, view, &views->lines, settings->all))
        return mp_fail("out of memory");
    if (settings->asked.json) {
        mp_heap_groups_json(stdout, view, &groups, &json);
    } else {
        print_title(views);
        failed =
            mp_heap_groups_text(stdout, view, &groups, &views->style,
                                settings->asked.most ? settings->asked.most : USUAL_FILES,
                                every ? 0 : MP_HEAP_LEAST_SHARE);
    }
    mp_heap_groups_release(&groups);
    return failed ? mp_fail("out of memory") : MP_EXIT_OK;
}

static int print_listing(struct mp_heap_views *views, const struct settings *settings,
                         struct mp_heap_text file)
{
    struct mp_heap_listing listing;
    struct mp_heap_json_options json = mp_heap_views_json(views);
    const struct mp_heap_view *view = &views->run.view;
    const struct mp_heap_source_text *source = mp_source_read(&views->source, view, file);
    if (!source || mp_heap_listing_init(&listing, view, &views->lines, file))
        return mp_fail("out of memory");
    if (settings->asked.json) {
        mp_heap_listing_json(stdout, view, &listing, source, &json);
    } else {
        print_title(views);
        mp_heap_listing_text(stdout, view, &listing, source, &views->style,
                             settings->whole);
    }
    mp_heap_listing_release(&listing);
    return MP_EXIT_OK;
}

static int print_source(struct mp_heap_views *views, const struct settings *settings)
{
    struct mp_heap_text file;
    int code = mp_source_choose(views, settings->source, &file);
    return code ? code : print_listing(views, settings, file);
}

static int show(struct mp_heap_views *views, const void *from)
{
    const struct settings *settings = from;
    return settings->source ? print_source(views, settings) : print_groups(views, settings);
}

/* Captures, a source, or both in either order: the source is taken out. Of two operands the second is one
   unless it can only be a capture, of more where it looks like one. */
static const char *take_source(int *count, char ***operands)
{
    char **all = *operands, *last = *count ? all[*count - 1] : NULL;
    if (!last)
        return NULL;
    bool first = mp_source_is_meant(all[0]);
    if (first && (*count == 1 || !mp_source_is_meant(last))) {
        ++*operands;
        --*count;
        return all[0];
    }
    bool second = *count == 2 && !mp_heap_is_meant(last) && !strpbrk(last, "*?[");
    if (!second && (*count < 2 || !mp_source_is_meant(last)))
        return NULL;
    --*count;
    return last;
}

static int run(void *from, int count, char **operands)
{
    struct settings *settings = from;
    settings->source = take_source(&count, &operands);
    settings->asked.how |= MP_HEAP_UNCALLED;
    return mp_heap_views_show(count, operands, &settings->asked, show, settings);
}

const struct mp_command mp_command_lines = {
    "lines",
    "[file|folder|index...] [source]",
    "print the source with the memory each line holds",
    "Lists the files that hold the memory in a heap capture (the newest here when none is "
    "given), by what was allocated there and in all that they called; or the source of one of them, given by its path or the end "
    "of it (of several the program's own), with the bytes each line held at the peak, with all that it called (total) and "
    "itself (own), what it still holds and ever allocated, and how many blocks.",
    MP_OPERANDS_PROFILES,
    options,
    take,
    sizeof(struct settings),
    run,
};
