/* mprof top's rhythm: once, a line a second, or a screen with keys. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cmd/shared/command.h"
#include "cmd/shared/screen.h"
#include "cmd/top/model.h"
#include "cmd/top/terminal.h"

enum { USUAL_WIDTH = 80, USUAL_HEIGHT = 24 };

static void wait_until(int64_t deadline)
{
    int64_t left = deadline - mp_clock_ns();
    const int64_t second = 1000000000;
    if (left > 0)
        nanosleep(&(struct timespec){left / second, left % second}, NULL);
}

static struct mp_top_size size_of(const struct mp_top_options *options, bool screen)
{
    struct mp_top_size size = {
        .width = mp_screen_width(),
        .utf8 = mp_screen_is_utf8(),
        .colour = mp_screen_is_coloured((enum mp_colour)options->colour),
        .keys = screen,
    };
    if (screen && !(size.height = mp_screen_rows()))
        size.height = USUAL_HEIGHT;
    if (screen && !size.width)
        size.width = USUAL_WIDTH;
    return size;
}

static void print(struct mp_top_model *model, const struct mp_top_options *options)
{
    struct mp_top_size size = size_of(options, false);
    if (options->json)
        model->json(model->it, stdout);
    else
        model->print(model->it, stdout, &size);
}

/* Where growth a second takes two looks, of what has ended there is none. */
static int show_once(struct mp_top_model *model, const struct mp_top_options *options)
{
    int code = model->look(model->it);
    if (!code && !model->is_over(model->it) && !model->is_rated_at_once) {
        wait_until(mp_clock_ns() + options->interval);
        code = model->look(model->it);
    }
    if (!code)
        print(model, options);
    return code;
}

/* A line of JSON each time, until the recording ends or nobody reads. */
static int show_lines(struct mp_top_model *model, const struct mp_top_options *options)
{
    int64_t next = mp_clock_ns();
    for (;;) {
        int code = model->look(model->it);
        if (code)
            return code;
        print(model, options);
        if (fflush(stdout) || model->is_over(model->it))
            return MP_EXIT_OK;
        next += options->interval;
        wait_until(next);
    }
}

static bool draw(struct mp_top_model *model, const struct mp_top_options *options)
{
    char *text = NULL;
    size_t length = 0;
    struct mp_top_size size = size_of(options, true);
    FILE *out = open_memstream(&text, &length);
    if (!out)
        return true;
    model->print(model->it, out, &size);
    fclose(out);
    bool shown = mp_terminal_show(text, length, size.height);
    free(text);
    return shown;
}

/* Until q, a signal, or a failure; 0, or the exit code. */
static int show_screen(struct mp_top_model *model, const struct mp_top_options *options)
{
    int key = 0, code = model->look(model->it);
    int64_t next = mp_clock_ns() + options->interval;
    bool shown = !code && draw(model, options);
    while (shown && !code) {
        switch (mp_terminal_wait(next, &key)) {
        case MP_TERMINAL_ENDED:
            return MP_EXIT_OK;
        case MP_TERMINAL_KEY:
            if (key == 'q' || key == 'Q' || key == 4 /* Ctrl-D */)
                return MP_EXIT_OK;
            model->key(model->it, key);
            break;
        case MP_TERMINAL_TIME:
            next = mp_clock_ns() + options->interval;
            code = model->is_frozen(model->it) ? 0 : model->look(model->it);
            break;
        case MP_TERMINAL_DRAW:
            break;
        }
        shown = code || draw(model, options);
    }
    return code;
}

int mp_top_loop(struct mp_top_model *model, const struct mp_top_options *options)
{
    if (options->once)
        return show_once(model, options);
    if (options->json)
        return show_lines(model, options);
    if (!mp_terminal_begin())
        return mp_fail("top needs a terminal that can move its cursor: --once prints once, "
                       "--json a line a second");
    int code = show_screen(model, options);
    mp_terminal_end();
    return code;
}
