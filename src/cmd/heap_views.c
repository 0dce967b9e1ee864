#include "cmd/heap_views.h"

#include <stdlib.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/heap_choice.h"
#include "cmd/screen.h"

enum { MOST_LINES = 1000000 };

static int find_style(struct mp_heap_views *views)
{
    views->here = getcwd(NULL, 0);
    if (mp_heap_paths_init(&views->paths, &views->run.view, views->here))
        return -1;
    views->style = (struct mp_heap_style){
        .width = mp_screen_width(), .utf8 = mp_screen_is_utf8(), .paths = &views->paths};
    views->style.drawings = views->style.utf8 && isatty(STDOUT_FILENO);
    return 0;
}

int mp_heap_views_init(struct mp_heap_views *views, const char *operand, unsigned how)
{
    *views = (struct mp_heap_views){.path = mp_heap_choose(operand)};
    if (!views->path)
        return MP_EXIT_FAILURE;
    int code = mp_heap_run_read(&views->run, views->path, how & MP_HEAP_ALONE);
    if (code)
        return code;
    const struct mp_heap_view *view = &views->run.view;
    if (mp_heap_own_init(&views->own, view))
        return mp_fail("out of memory");
    views->own.together = how & MP_HEAP_TOGETHER;
    views->hidden = how & MP_HEAP_ALL_FRAMES ? NULL : &views->own;
    views->source.capture = views->path;
    if (mp_heap_lines_init(&views->lines, view, views->hidden) || find_style(views))
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
    mp_heap_run_release(&views->run);
}

const char *mp_heap_take_most(size_t *most, const char *value)
{
    char *end;
    long number = strtol(value, &end, 10);
    if (*end || end == value || number < 1 || number > MOST_LINES)
        return "not a number of lines";
    *most = (size_t)number;
    return NULL;
}
