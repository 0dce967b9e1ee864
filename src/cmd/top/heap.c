/* mprof top of a heap that is being recorded. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/saturate.h"
#include "cmd/heap/run.h"
#include "cmd/heap/snapshot.h"
#include "cmd/shared/command.h"
#include "cmd/top/history.h"
#include "cmd/top/members.h"
#include "cmd/top/model.h"
#include "cmd/top/since.h"
#include "report/top/heap.h"

enum { PAGE = 10, MESSAGE_LOOKS = 5 };

struct watching {
    struct mp_top_options options;
    struct mp_heap_mine environment;
    struct mp_top_members members;
    struct mp_heap_live live;
    struct mp_top_history history;
    char *here; /* owned */
    enum mp_heap_live_order sort;
    uint32_t *order; /* owned: of the rows, as they are sorted */
    size_t count;
    int64_t looked, heap, rss; /* looked: monotonic ns, 0: not yet */
    double heap_rate;
    struct mp_top_since since;
    bool frozen, help, looked_once;
    uint64_t chosen; /* the row's id; 0: none */
    size_t chosen_at, first;
    bool shows_stacks;
    struct mp_heap_live_stacks stacks;
    size_t stacks_first, stacks_of;
    char message[160];
    int message_left; /* looks that it is still shown for */
};

static void tell(struct watching *watching, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void tell(struct watching *watching, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(watching->message, sizeof watching->message, format, arguments);
    va_end(arguments);
    watching->message_left = MESSAGE_LOOKS;
}

static int find_stacks(struct watching *watching)
{
    struct mp_top_members *members = &watching->members;
    mp_heap_live_stacks_release(&watching->stacks);
    if (!watching->shows_stacks)
        return 0;
    return mp_heap_live_stacks_init(&watching->stacks, &watching->live, members->shown,
                                    members->shown_count, watching->stacks_of);
}

/* Rows in their order, the chosen one wherever it is now. */
static int sort(struct watching *watching)
{
    free(watching->order);
    watching->order =
        mp_heap_live_sorted(&watching->live, watching->sort, &watching->count);
    if (!watching->order)
        return -1;
    for (size_t i = 0; i < watching->count && watching->chosen; i++)
        if (watching->live.rows[watching->order[i]].id == watching->chosen)
            watching->chosen_at = i;
    if (watching->chosen_at >= watching->count)
        watching->chosen_at = watching->count ? watching->count - 1 : 0;
    return 0;
}

static int mark(struct watching *watching)
{
    mp_top_since_now(&watching->since, watching->heap);
    return mp_heap_live_mark(&watching->live, watching->members.shown,
                             watching->members.shown_count);
}

/* Growth counts from a moment of the recording on. Returns 0, or the exit code, and why was said. */
static int mark_at(struct watching *watching, const struct mp_heap_asked_range *asked)
{
    struct mp_top_members *members = &watching->members;
    int code = mp_top_since_find(&watching->since, members, asked);
    if (!code &&
        (mp_heap_live_look(&watching->live, members->shown, members->shown_count, 0) ||
         sort(watching)))
        code = mp_fail("out of memory");
    return code;
}

/* What one look knows of growth: that since a moment of the recording. */
static int begin_at(struct watching *watching)
{
    struct mp_heap_asked_range since = watching->options.since;
    bool rates = watching->options.of_moments;
    if (!rates && !since.what)
        return 0;
    if (!since.what)
        since = mp_top_since_quarter(&watching->members);
    int code = mark_at(watching, &since);
    double seconds = mp_top_since_seconds(&watching->since, &watching->members);
    if (code || !rates || seconds <= 0)
        return code;
    mp_heap_live_rate_since(&watching->live, seconds);
    watching->heap_rate =
        (double)mp_difference(watching->heap, watching->since.heap) / seconds;
    return sort(watching) ? mp_fail("out of memory") : 0;
}

static void tell_marks(struct watching *watching)
{
    size_t refused;
    bool waits = mp_top_members_are_asked(&watching->members, &refused);
    if (refused)
        tell(watching, "no room in the recording for one more mark");
    else if (waits && !watching->message_left)
        tell(watching, "the mark is taken when the program next changes its heap");
}

static int add_up(struct watching *watching)
{
    struct mp_top_members *members = &watching->members;
    int64_t now = mp_clock_ns(), heap = mp_top_members_heap(members);
    double seconds = watching->looked ? (double)(now - watching->looked) / 1e9 : 0;
    if (mp_heap_live_look(&watching->live, members->shown, members->shown_count, seconds))
        return -1;
    if (seconds > 0)
        watching->heap_rate = (double)mp_difference(heap, watching->heap) / seconds;
    watching->heap = heap;
    watching->rss = mp_top_members_rss(members);
    watching->looked = now;
    if (!watching->looked_once && mark(watching))
        return -1;
    watching->looked_once = true;
    return mp_top_history_add(&watching->history, now + mp_clock_wall_offset(), heap,
                              watching->rss) ||
           sort(watching) || find_stacks(watching);
}

static int look(void *it)
{
    struct watching *watching = it;
    bool changed, first = !watching->looked_once;
    watching->message_left -= watching->message_left > 0;
    if (mp_top_members_look(&watching->members, &changed) || add_up(watching))
        return mp_fail("out of memory");
    int code = first ? begin_at(watching) : 0;
    if (code)
        return code;
    if (watching->members.problem)
        tell(watching, "%s", watching->members.problem);
    tell_marks(watching);
    return 0;
}

static bool is_over(const void *it)
{
    const struct watching *watching = it;
    return !watching->members.running;
}

static bool is_frozen(const void *it)
{
    const struct watching *watching = it;
    return watching->frozen;
}

static const char *state_of(const struct watching *watching)
{
    const struct mp_top_member *first = watching->members.all[0];
    if (watching->members.running)
        return first->follow.capture.writer == MP_WRITER_UNKNOWN && !first->is_seen
                   ? "perhaps running"
                   : "running";
    return first->process.view && first->process.view->header &&
                   first->process.view->header->clean
               ? "ended after"
               : "killed after";
}

static struct mp_top_heap shown(const struct watching *watching)
{
    const struct mp_top_member *first = watching->members.all[0];
    const struct mp_heap_header *header = first->follow.capture.view.header;
    struct mp_top_heap top = {
        .screen = {.file = first->path,
                   .command = first->name,
                   .command_length = strlen(first->name),
                   .pid = first->process.pid,
                   .processes = watching->members.shown_count,
                   .state = state_of(watching),
                   .elapsed = -1,
                   .curves = {"heap", "RSS"},
                   .points = watching->history.points,
                   .point_count = watching->history.count,
                   .frozen = watching->frozen,
                   .message = watching->message_left ? watching->message : NULL},
        .live = &watching->live,
        .order = watching->order,
        .count = watching->count,
        .sort = watching->sort,
        .heap = watching->heap,
        .heap_growth = mp_difference(watching->heap, watching->since.heap),
        .heap_rate = watching->heap_rate,
        .peak = mp_top_history_most(&watching->history,
                                    mp_top_members_peak(&watching->members)),
        .before = mp_top_members_before(&watching->members),
        .rss = watching->rss,
        .since = watching->since.title,
        .chosen = SIZE_MAX,
        .most = watching->options.most ? watching->options.most : SIZE_MAX,
        .help = watching->help,
        .stacks = watching->shows_stacks ? &watching->stacks : NULL,
        .of = watching->stacks_of,
    };
    if (header) {
        int64_t now = mp_clock_ns() + mp_clock_wall_offset();
        top.sample = header->sample;
        top.screen.attached = watching->members.running && header->attached > 0;
        top.since_time = mp_difference(watching->since.wall, header->wall_start);
        top.screen.elapsed = watching->members.running
                                 ? mp_difference(now, header->wall_start)
                                 : header->elapsed;
    }
    return top;
}

/* So that the row that is chosen, or the end of the stacks, is on the screen. */
static void scroll(struct watching *watching, struct mp_top_heap *top)
{
    size_t room = mp_top_room(&top->screen), lines;
    if (watching->shows_stacks) {
        lines = mp_top_heap_stack_lines(top);
        size_t last = lines > room ? lines - room : 0;
        watching->stacks_first =
            watching->stacks_first < last ? watching->stacks_first : last;
        top->first = watching->stacks_first;
        return;
    }
    if (watching->chosen_at < watching->first)
        watching->first = watching->chosen_at;
    else if (room != SIZE_MAX && watching->chosen_at >= watching->first + room)
        watching->first = watching->chosen_at - room + 1;
    top->first = watching->first < watching->count ? watching->first : 0;
    top->chosen = watching->chosen ? watching->chosen_at : SIZE_MAX;
}

static void print(void *it, FILE *out, const struct mp_top_size *size)
{
    struct watching *watching = it;
    struct mp_top_heap top = shown(watching);
    top.screen.style = (struct mp_heap_style){
        .width = size->width, .utf8 = size->utf8, .colour = size->colour};
    top.screen.height = size->height;
    if (size->keys) {
        top.screen.keys = "q quit  ? keys  o sort  g group  enter callers  m mark  s save";
        scroll(watching, &top);
    } else {
        top.screen.message = NULL;
        top.most = watching->options.most ? watching->options.most : 20;
    }
    mp_top_heap_print(out, &top);
}

static void json(void *it, FILE *out)
{
    struct mp_top_heap top = shown(it);
    mp_top_heap_json(out, &top);
}

static void regroup(struct watching *watching, int group)
{
    struct mp_top_members *members = &watching->members;
    group = (group + MP_HEAP_LIVE_GROUPS) % MP_HEAP_LIVE_GROUPS;
    watching->shows_stacks = watching->help = false;
    watching->chosen = watching->first = watching->chosen_at = 0;
    struct mp_heap_live_process **all = calloc(members->count + 1, sizeof *all);
    for (size_t i = 0; all && i < members->count; i++)
        all[i] = &members->all[i]->process;
    if (!all ||
        mp_heap_live_regroup(&watching->live, (enum mp_heap_live_group)group, all,
                             members->count) ||
        mp_heap_live_look(&watching->live, members->shown, members->shown_count, 0) ||
        sort(watching))
        tell(watching, "out of memory");
    free(all);
}

static void choose(struct watching *watching, int64_t by)
{
    if (watching->shows_stacks) {
        int64_t at = mp_sum((int64_t)watching->stacks_first, by);
        watching->stacks_first = at > 0 ? (size_t)at : 0;
        return;
    }
    if (!watching->count)
        return;
    int64_t at = watching->chosen || by > 1 || by < 0
                     ? mp_sum((int64_t)watching->chosen_at, by)
                     : 0; /* the first key chooses the first */
    int64_t last = (int64_t)watching->count - 1;
    watching->chosen_at = (size_t)(at < 0 ? 0 : at > last ? last : at);
    watching->chosen = watching->live.rows[watching->order[watching->chosen_at]].id;
}

static void show_callers(struct watching *watching)
{
    if (watching->shows_stacks || !watching->count)
        return;
    if (!watching->chosen)
        choose(watching, 0);
    watching->shows_stacks = true;
    watching->stacks_first = 0;
    watching->stacks_of = watching->order[watching->chosen_at];
    if (find_stacks(watching))
        tell(watching, "out of memory");
}

static void ask_for_mark(struct watching *watching)
{
    char name[MP_TOP_SINCE + 8];
    if (mark(watching)) {
        tell(watching, "out of memory");
        return;
    }
    snprintf(name, sizeof name, "top-%s", watching->since.title);
    if (mp_top_members_mark(&watching->members, name))
        tell(watching, "marked: mprof report --since %s", name);
    else
        tell(watching, "marked here alone: the recording takes no marks now");
}

/* From the mark before the one that growth counts from; before the first, from the last. */
static void choose_mark(struct watching *watching)
{
    const struct mp_top_members *members = &watching->members;
    struct mp_heap_asked_range asked;
    if (!mp_top_since_mark_before(&asked, members, watching->since.wall) &&
        !mp_top_since_mark_before(&asked, members, INT64_MAX))
        tell(watching, "the recording has no marks: m, or mprof mark NAME, sets one");
    else if (!mark_at(watching, &asked))
        tell(watching, "growth since the mark %s", watching->since.title);
}

static void save(struct watching *watching)
{
    char why[160], *name = mp_heap_snapshot_name();
    const struct mp_top_members *members = &watching->members;
    size_t copied = name ? mp_heap_snapshot(members->all[0]->path, name, members->alone,
                                            why, sizeof why)
                         : 0;
    if (copied)
        tell(watching, "saved: mprof report %s", name);
    else
        tell(watching, "%s", name ? why : "no name is free for the copy");
    free(name);
}

static void key(void *it, int key)
{
    struct watching *watching = it;
    bool was_help = watching->help;
    watching->help = false;
    switch (key) {
    case MP_TOP_UP:
    case 'k':
        choose(watching, -1);
        return;
    case MP_TOP_DOWN:
    case 'j':
        choose(watching, 1);
        return;
    case MP_TOP_PAGE_UP:
        choose(watching, -PAGE);
        return;
    case MP_TOP_PAGE_DOWN:
        choose(watching, PAGE);
        return;
    case MP_TOP_HOME:
        choose(watching, -INT64_MAX);
        return;
    case MP_TOP_END:
        choose(watching, INT64_MAX);
        return;
    case MP_TOP_ENTER:
    case 'c':
        show_callers(watching);
        return;
    case MP_TOP_ESCAPE:
    case 'b':
        if (!watching->shows_stacks && !was_help)
            watching->chosen = 0;
        watching->shows_stacks = false;
        return;
    case 'o':
    case 'O':
        watching->sort = (enum mp_heap_live_order)(
            ((int)watching->sort + (key == 'o' ? 1 : MP_HEAP_LIVE_ORDERS - 1)) %
            MP_HEAP_LIVE_ORDERS);
        if (sort(watching))
            tell(watching, "out of memory");
        return;
    case 'g':
    case 'G':
        regroup(watching, (int)watching->live.group + (key == 'g' ? 1 : -1));
        return;
    case ' ':
    case 'f':
        watching->frozen = !watching->frozen;
        return;
    case 's':
    case 'w':
        save(watching);
        return;
    case 'm':
        ask_for_mark(watching);
        return;
    case 'M':
        choose_mark(watching);
        return;
    case '?':
    case 'h':
        watching->help = !was_help;
        return;
    default:
        if (key >= '1' && key < '1' + MP_HEAP_LIVE_GROUPS)
            regroup(watching, key - '1');
    }
}

static void release_all(void *it)
{
    struct watching *watching = it;
    mp_heap_live_stacks_release(&watching->stacks);
    mp_heap_live_release(&watching->live);
    mp_top_members_release(&watching->members);
    mp_top_history_release(&watching->history);
    free(watching->order);
    free(watching->here);
    free(watching);
}

/* The curves from the recording's own series, of all its processes. */
static int remember(struct watching *watching, const char *path)
{
    struct mp_heap_run run;
    const struct mp_top_member *first = watching->members.all[0];
    if (watching->options.alone || !first->process.view->header->children)
        return mp_top_history_fill(&watching->history, first->process.view);
    int code = mp_heap_run_read(&run, path, false);
    if (!code)
        code = mp_top_history_fill(&watching->history, &run.view);
    mp_heap_run_release(&run);
    return code;
}

int mp_top_open_heap(struct mp_top_model *model, const char *path,
                     const struct mp_top_options *options)
{
    struct watching *watching = calloc(1, sizeof *watching);
    if (!watching)
        return mp_fail("out of memory");
    *model = (struct mp_top_model){.it = watching,
                                   .look = look,
                                   .print = print,
                                   .json = json,
                                   .key = key,
                                   .is_over = is_over,
                                   .is_frozen = is_frozen,
                                   .release = release_all};
    watching->options = *options;
    if (*options->note)
        tell(watching, "%s", options->note);
    /* what threads had allocated at a moment is not kept */
    model->is_rated_at_once = watching->options.of_moments &=
        options->group != MP_HEAP_LIVE_THREADS;
    watching->sort = (enum mp_heap_live_order)options->sort;
    watching->here = getcwd(NULL, 0);
    int code = mp_top_members_open(&watching->members, path, options->alone, options->pid);
    if (code)
        return code;
    if (mp_heap_live_init(&watching->live, (enum mp_heap_live_group)options->group) ||
        remember(watching, path))
        return mp_fail("out of memory");
    mp_heap_mine_add_list(&watching->environment, getenv("MPROF_MINE"));
    watching->live.mine[0] = &watching->environment;
    watching->live.mine[1] = &watching->options.mine;
    watching->live.here = watching->here;
    return 0;
}
