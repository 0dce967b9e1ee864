/* mprof top of a timeline: the processes of its program, while it runs; what is recorded of them, when it
 * has ended. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/held.h"
#include "base/saturate.h"
#include "cmd/shared/command.h"
#include "cmd/top/history.h"
#include "cmd/top/model.h"
#include "cmd/top/processes.h"
#include "store/dat/read.h"

enum { STAMP = 16, PAGE = 10 };

struct watching {
    struct mp_top_options options;
    char *path; /* owned */
    struct mp_dat_follow follow;
    struct mp_top_processes processes;
    struct mp_top_history history;
    size_t points; /* of the timeline, that are in the history */
    enum mp_metric metric;
    enum mp_top_process_order sort;
    struct mp_top_process whole;
    struct mp_top_process *shown; /* owned: as they are sorted */
    int64_t looked, first_time;
    char since[STAMP], message[80];
    bool frozen, help, running, was_running, rated;
    int chosen; /* process; 0: none */
    size_t chosen_at, first;
};

static void stamp(char room[STAMP])
{
    time_t now = time(NULL);
    struct tm parts;
    *room = 0;
    if (localtime_r(&now, &parts))
        strftime(room, STAMP, "%H:%M:%S", &parts);
}

static double weight(const struct mp_top_process *process, enum mp_top_process_order order)
{
    switch (order) {
    case MP_TOP_BY_PSS:
        return (double)process->pss;
    case MP_TOP_BY_RATE:
        return process->rate;
    case MP_TOP_BY_GROWTH:
        return (double)mp_difference(process->bytes, process->marked);
    case MP_TOP_BY_MOST:
        return (double)process->most;
    case MP_TOP_BY_RSS:
    case MP_TOP_PROCESS_ORDERS:
        break;
    }
    return (double)process->bytes;
}

static int compare(const void *left, const void *right, void *context)
{
    const struct mp_top_process *a = left, *b = right;
    enum mp_top_process_order order = *(enum mp_top_process_order *)context;
    double x = weight(a, order), y = weight(b, order);
    if (a->is_there != b->is_there)
        return a->is_there ? -1 : 1;
    return x != y ? (x < y ? 1 : -1) : (a->pid > b->pid) - (a->pid < b->pid);
}

static int sort(struct watching *watching)
{
    size_t count = watching->processes.count;
    struct mp_top_process *shown = calloc(count + 1, sizeof *shown);
    if (!shown)
        return -1;
    if (count)
        memcpy(shown, watching->processes.rows, count * sizeof *shown);
    qsort_r(shown, count, sizeof *shown, compare, &watching->sort);
    free(watching->shown);
    watching->shown = shown;
    for (size_t i = 0; i < count && watching->chosen; i++)
        if (shown[i].pid == watching->chosen)
            watching->chosen_at = i;
    if (watching->chosen_at >= count)
        watching->chosen_at = count ? count - 1 : 0;
    return 0;
}

/* New points of the recording become the curve. */
static int read_points(struct watching *watching)
{
    const struct mp_series *total = &watching->follow.timeline.total;
    for (; watching->points < total->count; watching->points++) {
        const struct mp_point *point = &total->points[watching->points];
        if (!watching->first_time)
            watching->first_time = point->time;
        if (point->bytes > watching->whole.most)
            watching->whole.most = point->bytes;
        if (mp_top_history_add(&watching->history, point->time, point->bytes, -1))
            return -1;
    }
    return 0;
}

/* What was recorded of each: where the program has ended, or cannot be seen from here. */
static int read_tracks(struct watching *watching)
{
    const struct mp_timeline *timeline = &watching->follow.timeline;
    if (watching->processes.count)
        return 0;
    if (mp_top_processes_add(&watching->processes, timeline->pid, 0, "(the program)",
                             watching->whole.bytes, watching->whole.most))
        return -1;
    for (size_t i = 0; i < timeline->track_count; i++) {
        const struct mp_track *track = &timeline->tracks[i];
        int64_t most = -1, last = -1;
        for (size_t at = 0; at < track->series.count; at++) {
            last = track->series.points[at].bytes;
            most = last > most ? last : most;
        }
        if (mp_top_processes_add(&watching->processes, track->pid, track->parent,
                                 track->name ? track->name : "", last, most))
            return -1;
    }
    return 0;
}

static int read_processes(struct watching *watching, double seconds)
{
    const struct mp_timeline *timeline = &watching->follow.timeline;
    watching->was_running = watching->running;
    watching->running = !timeline->ended && mp_held_by_other(watching->follow.fd);
    bool seen = watching->running && timeline->pid > 0 &&
                !mp_top_processes_look(&watching->processes, (pid_t)timeline->pid,
                                       watching->metric, seconds);
    if (watching->running && !seen && errno == ENOMEM)
        return -1;
    return seen ? 0 : read_tracks(watching);
}

static void add_up(struct watching *watching, double seconds)
{
    const struct mp_timeline *timeline = &watching->follow.timeline;
    const struct mp_series *total = &timeline->total;
    struct mp_top_process *whole = &watching->whole;
    whole->before = whole->bytes;
    whole->bytes = total->count ? total->points[total->count - 1].bytes : -1;
    int64_t sum = 0, pss = 0;
    size_t there = 0;
    for (size_t i = 0; i < watching->processes.count; i++) {
        const struct mp_top_process *row = &watching->processes.rows[i];
        if (!row->is_there)
            continue;
        there++;
        sum = mp_sum(sum, row->bytes);
        pss = row->pss < 0 || pss < 0 ? -1 : mp_sum(pss, row->pss);
    }
    whole->pss = there ? pss : -1;
    if (there)
        whole->bytes = sum;
    whole->most = whole->bytes > whole->most ? whole->bytes : whole->most;
    if (seconds > 0) {
        whole->rate = (double)mp_difference(whole->bytes, whole->before) / seconds;
        watching->rated = true;
    }
}

static void mark(struct watching *watching)
{
    stamp(watching->since);
    watching->whole.marked = watching->whole.bytes;
    mp_top_processes_mark(&watching->processes);
}

static int look(void *it)
{
    struct watching *watching = it;
    int64_t now = mp_clock_ns();
    double seconds = watching->looked ? (double)(now - watching->looked) / 1e9 : 0;
    enum mp_dat_problem problem = mp_dat_follow_update(&watching->follow);
    if (problem == MP_DAT_SYSTEM)
        return mp_fail("cannot read %s: %s", watching->path, strerror(errno));
    if (read_points(watching) || read_processes(watching, seconds))
        return mp_fail("out of memory");
    add_up(watching, seconds);
    if (!watching->looked)
        mark(watching);
    watching->looked = now;
    return sort(watching) ? mp_fail("out of memory") : 0;
}

static bool is_over(const void *it)
{
    const struct watching *watching = it;
    return !watching->running;
}

static bool is_frozen(const void *it)
{
    const struct watching *watching = it;
    return watching->frozen;
}

static struct mp_top_timeline shown(const struct watching *watching)
{
    const struct mp_timeline *timeline = &watching->follow.timeline;
    const struct mp_series *total = &timeline->total;
    int64_t last = timeline->ended     ? timeline->end.time
                   : watching->running ? mp_clock_ns() + mp_clock_wall_offset()
                   : total->count      ? total->points[total->count - 1].time
                                       : watching->first_time;
    size_t there = 0;
    for (size_t i = 0; i < watching->processes.count; i++)
        there += watching->processes.rows[i].is_there;
    return (struct mp_top_timeline){
        .screen = {.file = watching->path,
                   .command = timeline->command,
                   .command_length = timeline->command ? strlen(timeline->command) : 0,
                   .pid = timeline->pid,
                   .processes = there,
                   .state = watching->running ? "running"
                            : timeline->ended ? "ended after"
                                              : "not closed, after",
                   .elapsed = watching->first_time
                                  ? mp_difference(last, watching->first_time)
                                  : -1,
                   .curves = {timeline->metric[0] ? timeline->metric : "rss", NULL},
                   .points = watching->history.points,
                   .point_count = watching->history.count,
                   .frozen = watching->frozen},
        .metric = timeline->metric[0] ? timeline->metric : "rss",
        .processes = watching->shown,
        .count = watching->processes.count,
        .whole = watching->whole,
        .sort = watching->sort,
        .is_rated = watching->rated && watching->running,
        .since = watching->since,
        .chosen = SIZE_MAX,
        .most = watching->options.most ? watching->options.most : SIZE_MAX,
        .help = watching->help,
    };
}

static void print(void *it, FILE *out, const struct mp_top_size *size)
{
    struct watching *watching = it;
    struct mp_top_timeline top = shown(watching);
    top.screen.style = (struct mp_heap_style){
        .width = size->width, .utf8 = size->utf8, .colour = size->colour};
    top.screen.height = size->height;
    if (size->keys) {
        size_t room = mp_top_room(&top.screen);
        top.screen.keys = "q quit  ? keys  o sort  m mark  space freeze";
        if (watching->chosen_at < watching->first)
            watching->first = watching->chosen_at;
        else if (room != SIZE_MAX && watching->chosen_at >= watching->first + room)
            watching->first = watching->chosen_at - room + 1;
        top.first = watching->first < top.count ? watching->first : 0;
        top.chosen = watching->chosen ? watching->chosen_at : SIZE_MAX;
    }
    mp_top_timeline_print(out, &top);
}

static void json(void *it, FILE *out)
{
    struct mp_top_timeline top = shown(it);
    mp_top_timeline_json(out, &top);
}

static void choose(struct watching *watching, int64_t by)
{
    int64_t last = (int64_t)watching->processes.count - 1;
    int64_t at = watching->chosen ? mp_sum((int64_t)watching->chosen_at, by) : 0;
    if (last < 0)
        return;
    watching->chosen_at = (size_t)(at < 0 ? 0 : at > last ? last : at);
    watching->chosen = watching->shown[watching->chosen_at].pid;
}

static void key(void *it, int key)
{
    struct watching *watching = it;
    bool was_help = watching->help;
    int step = key == 'o' ? 1 : MP_TOP_PROCESS_ORDERS - 1;
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
    case MP_TOP_PAGE_DOWN:
        choose(watching, key == MP_TOP_PAGE_UP ? -PAGE : PAGE);
        return;
    case MP_TOP_ESCAPE:
        watching->chosen = 0;
        return;
    case 'o':
    case 'O':
        watching->sort = (enum mp_top_process_order)(((int)watching->sort + step) %
                                                     MP_TOP_PROCESS_ORDERS);
        sort(watching); /* as it was, where there is no memory */
        return;
    case 'm':
        mark(watching);
        sort(watching);
        return;
    case ' ':
    case 'f':
        watching->frozen = !watching->frozen;
        return;
    case '?':
    case 'h':
        watching->help = !was_help;
        return;
    default:
        return;
    }
}

static void release_all(void *it)
{
    struct watching *watching = it;
    mp_top_processes_release(&watching->processes);
    mp_top_history_release(&watching->history);
    mp_dat_follow_release(&watching->follow);
    free(watching->shown);
    free(watching->path);
    free(watching);
}

static int say_problem(const char *path, enum mp_dat_problem problem,
                       const struct mp_timeline *timeline)
{
    if (problem == MP_DAT_SYSTEM)
        return mp_fail("cannot read %s: %s", path, strerror(errno));
    if (problem == MP_DAT_FUTURE)
        return mp_fail(
            "%s was made by version %d of the format, which this mprof cannot read", path,
            timeline->version);
    return problem == MP_DAT_FOREIGN ? mp_fail("not an mprof recording: %s", path) : 0;
}

static enum mp_metric metric_of(const struct mp_timeline *timeline)
{
    return !strcmp(timeline->metric, "pss")   ? MP_PSS
           : !strcmp(timeline->metric, "uss") ? MP_USS
                                              : MP_RSS;
}

int mp_top_open_timeline(struct mp_top_model *model, const char *path,
                         const struct mp_top_options *options)
{
    struct watching *watching = calloc(1, sizeof *watching);
    if (!watching || !(watching->path = strdup(path))) {
        free(watching);
        return mp_fail("out of memory");
    }
    *model = (struct mp_top_model){watching, look,    print,     json,
                                   key,      is_over, is_frozen, release_all};
    watching->options = *options;
    int code = say_problem(path, mp_dat_follow_open(&watching->follow, path),
                           &watching->follow.timeline);
    watching->metric = metric_of(&watching->follow.timeline);
    return code;
}
