#include "cmd/heap/views.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/heap/choice.h"
#include "cmd/shared/command.h"
#include "cmd/shared/pager.h"
#include "cmd/shared/words.h"

enum { MOST_LINES = 1000000, PIPE_WIDTH = 120 };

static int find_style(struct mp_heap_views *views, const struct mp_heap_asked *asked)
{
    int width = mp_screen_width();
    views->here = getcwd(NULL, 0);
    if (mp_heap_paths_init(&views->paths, &views->run.view, views->here))
        return -1;
    views->style = (struct mp_heap_style){
        .width = width ? width : PIPE_WIDTH,
        .utf8 = mp_screen_is_utf8(),
        .colour = mp_screen_is_coloured((enum mp_colour)asked->colour),
        .paths = &views->paths};
    views->style.drawings = views->style.utf8 && isatty(STDOUT_FILENO);
    return 0;
}

static const char *take_colour(struct mp_heap_asked *asked, const char *value)
{
    asked->colour = mp_word_of(mp_colour_words, value);
    return asked->colour < 0 ? "not one of auto, always, never" : NULL;
}

static const char *take_most(size_t *most, const char *value)
{
    char *end;
    long number = strtol(value, &end, 10);
    if (*end || end == value || number < 1 || number > MOST_LINES)
        return "not a number of lines";
    *most = (size_t)number;
    return NULL;
}

const char *mp_heap_asked_take(struct mp_heap_asked *asked, int key, const char *value)
{
    if (key == MP_HEAP_KEY_ALL_FRAMES)
        asked->how |= MP_HEAP_ALL_FRAMES;
    if (key == MP_HEAP_KEY_NO_CHILDREN)
        asked->how |= MP_HEAP_ALONE;
    if (key == MP_HEAP_KEY_SOURCE_ROOT)
        return mp_source_named_add(&asked->roots, value);
    if (key == MP_HEAP_KEY_MINE || key == MP_HEAP_KEY_NOT_MINE)
        return mp_heap_mine_add(&asked->mine, value, key == MP_HEAP_KEY_MINE);
    if (key == MP_HEAP_KEY_BY_TAG) {
        asked->how |= MP_HEAP_BY_TAG;
        return strcmp(value, "tag") ? "not tag; 'mprof table --by' has more" : NULL;
    }
    if (key == MP_HEAP_KEY_TAG)
        asked->tag = value;
    if (mp_heap_range_is_key(key))
        return mp_heap_range_take(&asked->range, key, value);
    if (key == MP_HEAP_KEY_COLOUR)
        return take_colour(asked, value);
    if (key == MP_HEAP_KEY_NO_PAGER)
        asked->how |= MP_HEAP_NO_PAGER;
    asked->json |= key == MP_HEAP_KEY_JSON;
    return key == 'n' ? take_most(&asked->most, value) : NULL;
}

int mp_heap_check_operands(const char *command, const char *takes, int most, int count,
                           char **operands)
{
    if (count <= most)
        return 0;
    mp_fail("%s: takes %s, was also given '%s'; see 'mprof help %s'", command, takes,
            operands[most], command);
    return MP_EXIT_USAGE;
}

int mp_heap_find_own(struct mp_heap_own *own, const struct mp_heap_view *view,
                     const struct mp_heap_mine *mine)
{
    struct mp_heap_mine environment = {0};
    mp_heap_mine_add_list(&environment, getenv("MPROF_MINE"));
    return mp_heap_own_init(own, view) || mp_heap_mine_apply(&environment, own, view) ||
           mp_heap_mine_apply(mine, own, view);
}

static int find_lines(struct mp_heap_views *views, unsigned how)
{
    const struct mp_heap_view *view = &views->run.view;
    if (how & MP_HEAP_NO_LINES)
        return 0;
    return how & MP_HEAP_UNCALLED
               ? mp_heap_lines_init_uncalled(&views->lines, view, views->hidden)
               : mp_heap_lines_init(&views->lines, view, views->hidden);
}

static unsigned run_how(unsigned how)
{
    return (how & MP_HEAP_ALONE ? MP_HEAP_RUN_ALONE : 0) |
           (how & MP_HEAP_SHARES ? MP_HEAP_RUN_SHARES : 0) |
           (how & MP_HEAP_TYPES_AT ? MP_HEAP_RUN_TYPES_AT : 0);
}

/* What the operands name, read. */
static int open_all(struct mp_heap_views *views, int count, char **operands,
                    const struct mp_heap_asked *asked)
{
    struct mp_heap_members members;
    int code = mp_heap_choose_all(&members, &views->path, count, operands);
    views->several = members.count > 1;
    if (!code)
        code =
            mp_heap_run_read_all(&views->run, &members, run_how(asked->how), &asked->range);
    mp_heap_members_release(&members);
    return code;
}

/* Returns 0, or the exit code. */
static int choose_tags(struct mp_heap_views *views, const char *pattern)
{
    struct mp_heap_view *view = &views->run.view;
    char part[96];
    if (mp_heap_tag_choice_init(&views->tag_choice, view, pattern))
        return mp_fail("out of memory");
    if (!views->tag_choice.chosen)
        return mp_fail("%s: no tag is like '%s'; 'mprof table --by tag' has all",
                       views->path, pattern);
    *view = views->tag_choice.view;
    snprintf(part, sizeof part, "only what was allocated under tags like '%s'", pattern);
    mp_heap_run_say_also(&views->run, part);
    return 0;
}

/* Returns 0, or the exit code. */
static int show_tags(struct mp_heap_views *views)
{
    struct mp_heap_view *view = &views->run.view;
    if (mp_heap_tag_frames_init(&views->tag_frames, view))
        return mp_fail("out of memory");
    if (!view->counts[MP_HEAP_TAGS])
        mp_note("%s: the program set no tags; 'with memory_profiler.tag(WORD):' does",
                views->path);
    *view = views->tag_frames.view;
    return 0;
}

static int take_tags(struct mp_heap_views *views, const struct mp_heap_asked *asked)
{
    int code = asked->tag ? choose_tags(views, asked->tag) : 0;
    return !code && asked->how & MP_HEAP_BY_TAG ? show_tags(views) : code;
}

int mp_heap_views_init(struct mp_heap_views *views, int count, char **operands,
                       const struct mp_heap_asked *asked)
{
    unsigned how = asked->how;
    *views = (struct mp_heap_views){0};
    int code = open_all(views, count, operands, asked);
    if (!code)
        code = take_tags(views, asked);
    if (code)
        return code;
    const struct mp_heap_view *view = &views->run.view;
    if (mp_heap_find_own(&views->own, view, &asked->mine))
        return mp_fail("out of memory");
    views->own.together = how & MP_HEAP_TOGETHER;
    views->hidden = how & MP_HEAP_ALL_FRAMES ? NULL : &views->own;
    mp_source_init(&views->source, views->path, view, &views->own, &views->run.kept,
                   &asked->roots);
    if (find_lines(views, how) || find_style(views, asked))
        return mp_fail("out of memory");
    return 0;
}

void mp_heap_views_release(struct mp_heap_views *views)
{
    free(views->path);
    free(views->here);
    mp_source_release(&views->source);
    mp_heap_paths_release(&views->paths);
    mp_heap_lines_release(&views->lines);
    mp_heap_own_release(&views->own);
    mp_heap_tag_frames_release(&views->tag_frames);
    mp_heap_tag_choice_release(&views->tag_choice);
    mp_heap_run_release(&views->run);
}

/* JSON is for programs, and not paged. */
static int show_paged(struct mp_heap_views *views, const struct mp_heap_asked *asked,
                      mp_heap_show *show, const void *settings)
{
    struct mp_pager pager;
    if (asked->json || asked->how & MP_HEAP_NO_PAGER)
        return show(views, settings);
    mp_pager_begin(&pager);
    int code = show(views, settings);
    mp_pager_end(&pager);
    return code;
}

int mp_heap_views_show(int count, char **operands, const struct mp_heap_asked *asked,
                       mp_heap_show *show, const void *settings)
{
    struct mp_heap_views views;
    int code = mp_heap_views_init(&views, count, operands, asked);
    if (!code)
        code = show_paged(&views, asked, show, settings);
    mp_heap_views_release(&views);
    return code;
}

struct mp_heap_json_options mp_heap_views_json(const struct mp_heap_views *views)
{
    return (struct mp_heap_json_options){
        .name = views->path,
        .incomplete = views->run.incomplete,
        .instants = views->run.instant_count ? views->run.instants : NULL,
        .instant_count = views->run.instant_count};
}
