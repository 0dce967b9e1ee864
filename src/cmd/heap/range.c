#include "cmd/heap/range.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/saturate.h"
#include "cmd/shared/command.h"

static const char wrong[] =
    "not a moment: a time (12.5s), start, peak, end, or a mark's name";

bool mp_heap_range_is_key(int key)
{
    return key >= MP_HEAP_KEY_AT && key <= MP_HEAP_KEY_SINCE;
}

static const char *take_two(struct mp_heap_asked_range *range, const char *value)
{
    const char *comma = strchr(value, ',');
    if (!comma)
        return "not two moments with a comma between, as 2s,end";
    return mp_heap_wanted_parse(&range->wanted[0], value, (size_t)(comma - value)) ||
                   mp_heap_wanted_parse(&range->wanted[1], comma + 1, strlen(comma + 1))
               ? wrong
               : NULL;
}

const char *mp_heap_range_take(struct mp_heap_asked_range *range, int key,
                               const char *value)
{
    if (range->what)
        return "one of --at, --between and --since is enough";
    range->what = key == MP_HEAP_KEY_AT ? MP_HEAP_ASKED_AT : MP_HEAP_ASKED_GROWTH;
    if (key == MP_HEAP_KEY_BETWEEN)
        return take_two(range, value);
    bool at = key == MP_HEAP_KEY_AT;
    mp_heap_wanted_parse(&range->wanted[1], "end", 3);
    return mp_heap_wanted_parse(&range->wanted[at], value, strlen(value)) ? wrong : NULL;
}

/* The names of its marks, each once, as far as a line has room. */
static void put_marks(FILE *out, const struct mp_heap_view *view)
{
    enum { ROOM = 200 };
    struct mp_heap_instant instants[MP_HEAP_INSTANTS];
    size_t count = mp_heap_instants(view, instants), shown = 0, length = 0;
    for (size_t i = 0; i < count; i++) {
        bool is_new = instants[i].when == MP_HEAP_WHEN_MARK;
        for (size_t before = 0; before < i && is_new; before++)
            is_new = strcmp(instants[before].name, instants[i].name) != 0;
        if (!is_new || (length += strlen(instants[i].name) + 2) > ROOM)
            continue;
        fputs(shown++ ? ", " : "its marks are ", out);
        mp_escape_terminal(out, instants[i].name, strlen(instants[i].name), false);
    }
    if (!shown)
        fputs("it has no marks; heap.mark() and 'mprof mark' set them, in the outermost "
              "recording",
              out);
    else if (length > ROOM)
        fputs(", ...", out);
}

static int say_none(const char *path, const struct mp_heap_view *view,
                    const struct mp_heap_wanted *wanted)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return mp_fail("out of memory");
    if (wanted->what == MP_HEAP_WANT_MARK) {
        fputs("has no mark ", out);
        mp_escape_terminal(out, wanted->name, strlen(wanted->name), false);
        fputs(": ", out);
        put_marks(out, view);
    } else {
        fprintf(out, "has nothing at %s: it is of the time from 0 to %.3f s", wanted->name,
                (double)view->header->elapsed / 1e9);
    }
    fclose(out);
    int code = mp_fail("%s %s", path, text);
    free(text);
    return code;
}

static int check_order(const char *path, const struct mp_heap_range *range)
{
    const struct mp_heap_instant *from = &range->from, *to = &range->to;
    if (from->time > to->time)
        return mp_fail("%s: %.3f s is before %.3f s: give the earlier moment first", path,
                       (double)to->time / 1e9, (double)from->time / 1e9);
    if (from->when == to->when && from->index == to->index && !strcmp(from->name, to->name))
        return mp_fail("%s: both are the moment at %.3f s, there is none between", path,
                       (double)from->time / 1e9);
    return 0;
}

static int64_t wall_of(const struct mp_heap_view *view,
                       const struct mp_heap_instant *instant)
{
    return mp_sum(view->header->wall_start, instant->time);
}

static bool is_asked(const struct mp_heap_asked_range *asked, int which)
{
    return which == 1 || asked->what == MP_HEAP_ASKED_GROWTH;
}

/* A time is that of the run, which the first capture began. */
bool mp_heap_range_look(struct mp_heap_asked_range *asked, const struct mp_heap_view *view)
{
    bool all = true;
    for (int i = 0; i < 2; i++) {
        struct mp_heap_instant found;
        if (!is_asked(asked, i) || asked->seen[i])
            continue;
        asked->seen[i] = mp_heap_instant_find(view, &asked->wanted[i], &found);
        asked->walls[i] = wall_of(view, &found);
        all &= asked->seen[i];
    }
    return all;
}

/* Of the first capture, which may have begun that mark's process and not have the mark. */
static bool find(const struct mp_heap_asked_range *asked, int which,
                 const struct mp_heap_view *first, struct mp_heap_instant *found)
{
    if (mp_heap_instant_find(first, &asked->wanted[which], found))
        return true;
    if (!asked->seen[which])
        return false;
    *found = mp_heap_instant_nearest(first, asked->walls[which]);
    found->time = mp_difference(asked->walls[which], first->header->wall_start);
    if (asked->wanted[which].what == MP_HEAP_WANT_MARK)
        memcpy(found->name, asked->wanted[which].name, sizeof found->name);
    return true;
}

int mp_heap_range_find(const struct mp_heap_asked_range *asked,
                       const struct mp_heap_view *first, const char *path,
                       struct mp_heap_range *range)
{
    struct mp_heap_instant *instants[] = {&range->from, &range->to};
    *range = (struct mp_heap_range){.is_at = asked->what == MP_HEAP_ASKED_AT};
    for (int i = 0; i < 2; i++)
        if (is_asked(asked, i) && !find(asked, i, first, instants[i]))
            return say_none(path, first, &asked->wanted[i]);
    return range->is_at ? 0 : check_order(path, range);
}

bool mp_heap_range_is_time(const struct mp_heap_asked_range *asked)
{
    for (int i = 0; i < 2; i++)
        if (asked->what && is_asked(asked, i) && asked->wanted[i].what == MP_HEAP_WANT_TIME)
            return true;
    return false;
}

/* By another clock nothing was when the first had a mark that this one has not. */
static struct mp_heap_instant beside(const struct mp_heap_asked_range *asked, int which,
                                     const struct mp_heap_view *view, bool one_clock)
{
    struct mp_heap_instant found;
    const struct mp_heap_wanted *wanted = &asked->wanted[which];
    if (wanted->what != MP_HEAP_WANT_TIME && mp_heap_instant_find(view, wanted, &found))
        return found;
    return one_clock ? mp_heap_instant_nearest(view, asked->walls[which])
                     : (struct mp_heap_instant){.when = MP_HEAP_WHEN_START};
}

/* What was over before the range began grew nowhere in it. */
void mp_heap_range_beside(const struct mp_heap_asked_range *asked,
                          const struct mp_heap_view *view, bool one_clock,
                          struct mp_heap_range *range)
{
    int64_t end = mp_sum(view->header->wall_start, view->header->elapsed);
    *range = (struct mp_heap_range){.is_at = asked->what == MP_HEAP_ASKED_AT};
    if (!range->is_at && view->header->clean && one_clock && end < asked->walls[0])
        return;
    range->to = beside(asked, 1, view, one_clock);
    if (!range->is_at)
        range->from = beside(asked, 0, view, one_clock);
}
