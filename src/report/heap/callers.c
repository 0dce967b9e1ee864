#include "report/heap/callers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/heap/path.h"

enum { CALLERS = 4, MORE = 5 /* columns of ", ..." */ };

/* The last part of a path, two for a package's __init__.py: callers are many. */
static struct mp_heap_text base_of(const struct mp_heap_view *view,
                                   struct mp_heap_text file)
{
    static const char package[] = "/__init__.py";
    const char *path = view->text + file.offset;
    size_t at = file.length, skip = sizeof package - 1;
    if (at > skip && !memcmp(path + at - skip, package, skip))
        at -= skip;
    while (at && path[at - 1] != '/')
        at--;
    return (struct mp_heap_text){file.offset + (uint32_t)at, file.length - (uint32_t)at};
}

/* Short also where the whole path would be shown elsewhere. */
static struct mp_heap_text caller_name(const struct mp_heap_view *view,
                                       const struct mp_heap_style *style,
                                       struct mp_heap_text file)
{
    struct mp_heap_text name =
        style->paths ? mp_heap_paths_short(style->paths, file) : file;
    return name.length < file.length ? name : base_of(view, file);
}

static void put_frame(FILE *out, const struct mp_heap_view *view,
                      const struct mp_heap_frame *frame, const struct mp_heap_style *style)
{
    const struct mp_heap_code *code = &view->codes[frame->code];
    struct mp_heap_text name = caller_name(view, style, code->file);
    mp_heap_put_text(out, style, view->text + name.offset, name.length, 0,
                     MP_HEAP_CUT_START);
    if (code->file.length)
        fprintf(out, ":%d ", frame->line);
    mp_heap_put_text(out, style, view->text + code->name.offset, code->name.length, 0,
                     MP_HEAP_CUT_END);
    if (frame->times > 1)
        fprintf(out, " (%" PRIu32 " times)", frame->times);
}

/* How much of the line was called that way. */
static void put_from(FILE *out, const struct mp_heap_view *view,
                     const struct mp_heap_line *line, enum mp_heap_order order)
{
    struct mp_heap_heaviest heaviest = mp_heap_line_heaviest(line, order);
    double whole = (double)mp_heap_line_weight(line, order);
    double part = (double)(heaviest.user ? heaviest.by_user : heaviest.weight);
    double share = whole > 0 ? 100 * part / whole : 100;
    if (share < 0.5)
        fputs("under 1% ", out);
    else if (share < 99.5)
        fprintf(out, "%.0f%% ", share);
    bool started = mp_heap_is_thread(&view->codes[line->code]);
    fputs(started ? "started by " : "called by ", out);
}

/* The callers that are named, the first always. */
struct callers {
    struct mp_heap_frame frames[CALLERS + 1];
    size_t count, left;
    bool by_user; /* the first is the user's line; it called the line through the others */
};

static void lead_with_user(struct callers *callers, struct mp_heap_frame user)
{
    size_t through = 0;
    while (through < callers->count && (callers->frames[through].code != user.code ||
                                        callers->frames[through].line != user.line))
        through++;
    memmove(callers->frames + 1, callers->frames, through * sizeof user);
    callers->frames[0] = user;
    callers->count = through + 1;
    callers->left = 0;
    callers->by_user = true;
}

static struct callers callers_of(const struct mp_heap_calls *calls,
                                 const struct mp_heap_line *line, enum mp_heap_order order)
{
    struct callers callers = {0};
    struct mp_heap_heaviest heaviest = mp_heap_line_heaviest(line, order);
    if (!line->importing)
        callers.count =
            mp_heap_callers(calls, heaviest.node, callers.frames, CALLERS, &callers.left);
    if (heaviest.user)
        lead_with_user(&callers, mp_heap_frame_of(calls, heaviest.user));
    return callers;
}

/* As many of the callers as there is room for; returns how many. */
static size_t put_frames(FILE *stream, const struct mp_heap_view *view,
                         const struct callers *callers,
                         const struct mp_heap_callers_options *options)
{
    size_t shown = 0;
    for (; shown < callers->count; shown++) {
        long before = ftell(stream);
        fputs(!shown ? "" : shown == 1 && callers->by_user ? " through " : ", ", stream);
        put_frame(stream, view, &callers->frames[shown], options->style);
        if (shown && options->room && ftell(stream) + MORE > options->room) {
            fseek(stream, before, SEEK_SET);
            break;
        }
    }
    return shown;
}

void mp_heap_put_callers(FILE *out, const struct mp_heap_view *view,
                         const struct mp_heap_line *line,
                         const struct mp_heap_callers_options *options)
{
    struct callers callers = callers_of(options->calls, line, options->order);
    char *text = NULL;
    size_t size = 0;
    FILE *stream = callers.count ? open_memstream(&text, &size) : NULL;
    if (!stream)
        return;
    put_from(stream, view, line, options->order);
    size_t shown = put_frames(stream, view, &callers, options);
    fclose(stream);
    bool more = callers.by_user ? shown > 1 && shown < callers.count
                                : shown < callers.count || callers.left;
    int room = options->room && more ? options->room - MORE : options->room;
    fprintf(out, "%*s", options->indent, "");
    mp_heap_put_text(out, options->style, text, size, room, MP_HEAP_CUT_END);
    fprintf(out, "%s\n", more ? ", ..." : "");
    free(text);
}
