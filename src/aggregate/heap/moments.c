#include "aggregate/heap/moments.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/saturate.h"

static const char smaller[] = MP_HEAP_SMALLER_STACKS;

static int by_time(const void *left, const void *right)
{
    const struct mp_heap_instant *a = left, *b = right;
    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    return a->when != b->when ? (a->when > b->when ? 1 : -1)
                              : (a->index > b->index) - (a->index < b->index);
}

static struct mp_heap_instant of_moment(const struct mp_heap_view *view, uint32_t index)
{
    const struct mp_heap_moment *moment = &view->moments[index];
    bool is_mark = moment->flags & MP_HEAP_IS_MARK;
    struct mp_heap_instant instant = {.when =
                                          is_mark ? MP_HEAP_WHEN_MARK : MP_HEAP_WHEN_MOMENT,
                                      .index = index,
                                      .time = moment->time,
                                      .live = moment->live};
    if (is_mark)
        memcpy(instant.name, moment->name, MP_HEAP_MARK);
    return instant;
}

static struct mp_heap_instant of_run(const struct mp_heap_view *view,
                                     enum mp_heap_when when)
{
    const struct mp_heap_header *header = view->header;
    switch (when) {
    case MP_HEAP_WHEN_PEAK:
        return (struct mp_heap_instant){
            .when = when, .time = header->peak_time, .live = header->peak};
    case MP_HEAP_WHEN_END:
        return (struct mp_heap_instant){
            .when = when, .time = header->elapsed, .live = header->live};
    default:
        return (struct mp_heap_instant){.when = MP_HEAP_WHEN_START};
    }
}

static size_t count_of(const struct mp_heap_view *view)
{
    size_t count = view->moments ? view->counts[MP_HEAP_MOMENTS] : 0;
    return count < MP_HEAP_SLOTS ? count : MP_HEAP_SLOTS;
}

size_t mp_heap_instants(const struct mp_heap_view *view, struct mp_heap_instant *instants)
{
    size_t count = 0;
    for (uint32_t i = 0; i < count_of(view); i++)
        if (view->moments[i].stamp)
            instants[count++] = of_moment(view, i);
    instants[count++] = of_run(view, MP_HEAP_WHEN_START);
    instants[count++] = of_run(view, MP_HEAP_WHEN_PEAK);
    instants[count++] = of_run(view, MP_HEAP_WHEN_END);
    qsort(instants, count, sizeof *instants, by_time);
    return count;
}

static uint64_t distance(int64_t a, int64_t b)
{
    return a < b ? (uint64_t)b - (uint64_t)a : (uint64_t)a - (uint64_t)b;
}

/* Of two as near the earlier one. The start, where nothing is, is that of no later time: what was there soon
   after is in the first moment. */
static struct mp_heap_instant nearest_of(const struct mp_heap_instant *instants,
                                         size_t count, int64_t time)
{
    const struct mp_heap_instant *found = NULL;
    for (size_t i = 0; i < count; i++) {
        bool counts = time <= 0 || instants[i].when != MP_HEAP_WHEN_START;
        if (counts &&
            (!found || distance(instants[i].time, time) < distance(found->time, time)))
            found = &instants[i];
    }
    return found ? *found : instants[0];
}

static struct mp_heap_instant nearest(const struct mp_heap_view *view, int64_t time)
{
    struct mp_heap_instant instants[MP_HEAP_INSTANTS];
    return nearest_of(instants, mp_heap_instants(view, instants), time);
}

/* One that was asked for, and waits until the program changes anything: it is of what is there. */
static bool find_waiting(const struct mp_heap_view *view, const char *name,
                         struct mp_heap_instant *found)
{
    const struct mp_heap_header *header = view->header;
    uint32_t waiting = header->asked - header->answered;
    for (uint32_t i = 1; i <= waiting && i <= MP_HEAP_REQUESTS; i++) {
        const struct mp_heap_request *request =
            &header->requests[(header->asked - i) % MP_HEAP_REQUESTS];
        if (strncmp(request->name, name, MP_HEAP_MARK) != 0)
            continue;
        *found = of_run(view, MP_HEAP_WHEN_END);
        memcpy(found->name, request->name, MP_HEAP_MARK);
        return true;
    }
    return false;
}

static bool find_mark(const struct mp_heap_view *view, const char *name,
                      struct mp_heap_instant *found)
{
    if (find_waiting(view, name, found))
        return true;
    uint32_t stamp = 0;
    for (uint32_t i = 0; i < count_of(view); i++) {
        const struct mp_heap_moment *moment = &view->moments[i];
        if (!(moment->flags & MP_HEAP_IS_MARK) || moment->stamp <= stamp ||
            strncmp(moment->name, name, MP_HEAP_MARK) != 0)
            continue;
        stamp = moment->stamp;
        *found = of_moment(view, i);
    }
    return stamp;
}

bool mp_heap_instant_find(const struct mp_heap_view *view,
                          const struct mp_heap_wanted *wanted,
                          struct mp_heap_instant *found)
{
    switch (wanted->what) {
    case MP_HEAP_WANT_MARK:
        return find_mark(view, wanted->name, found);
    case MP_HEAP_WANT_TIME:
        if (wanted->time < 0 || wanted->time > view->header->elapsed)
            return false;
        *found = nearest(view, wanted->time);
        return true;
    default:
        *found = of_run(view, wanted->when);
        return true;
    }
}

static bool is_outside(const struct mp_heap_view *view, int64_t time)
{
    return time < 0 || (time > view->header->elapsed && !view->lives);
}

struct mp_heap_instant mp_heap_instant_nearest(const struct mp_heap_view *view,
                                               int64_t wall)
{
    const struct mp_heap_header *header = view->header;
    int64_t time = mp_difference(wall, header->wall_start);
    if (is_outside(view, time))
        return of_run(view, MP_HEAP_WHEN_START);
    return nearest(view, time);
}

void mp_heap_instants_add(struct mp_heap_instant *sums, size_t count,
                          const struct mp_heap_header *first,
                          const struct mp_heap_view *view)
{
    struct mp_heap_instant own[MP_HEAP_INSTANTS], its;
    size_t own_count = mp_heap_instants(view, own);
    bool one_clock = !mp_heap_has_other_clock(first, view->header);
    int64_t later = mp_difference(view->header->wall_start, first->wall_start);
    for (size_t i = 0; i < count; i++) {
        int64_t time = mp_difference(sums[i].time, later);
        if (sums[i].when == MP_HEAP_WHEN_PEAK || sums[i].when == MP_HEAP_WHEN_END)
            its = of_run(view, sums[i].when);
        else if (sums[i].when == MP_HEAP_WHEN_MARK && find_mark(view, sums[i].name, &its))
            ;
        else if (!one_clock || is_outside(view, time))
            continue;
        else
            its = nearest_of(own, own_count, time);
        sums[i].live = mp_sum(sums[i].live, its.live);
    }
}

int mp_heap_wanted_parse(struct mp_heap_wanted *wanted, const char *text, size_t length)
{
    static const char *const words[] = {[MP_HEAP_WHEN_START] = "start",
                                        [MP_HEAP_WHEN_PEAK] = "peak",
                                        [MP_HEAP_WHEN_END] = "end"};
    static const struct {
        const char *name;
        double ns;
    } units[] = {{"", 1e9},   {"s", 1e9},    {"ms", 1e6},  {"us", 1e3},
                 {"m", 60e9}, {"min", 60e9}, {"h", 3600e9}};
    char *unit;
    *wanted = (struct mp_heap_wanted){.what = MP_HEAP_WANT_MARK};
    if (!length || length > MP_HEAP_MARK)
        return -1;
    memcpy(wanted->name, text, length);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i] && !strcmp(wanted->name, words[i])) {
            wanted->what = MP_HEAP_WANT_INSTANT;
            wanted->when = (enum mp_heap_when)i;
        }
    double number = strtod(wanted->name, &unit);
    bool is_number = unit != wanted->name && strspn(wanted->name, "0123456789.") > 0;
    for (size_t i = 0; is_number && i < sizeof units / sizeof *units; i++)
        if (!strcmp(unit, units[i].name) && number * units[i].ns < 0x1p62) {
            wanted->what = MP_HEAP_WANT_TIME;
            wanted->time = (int64_t)(number * units[i].ns);
        }
    return 0;
}

static struct mp_heap_delta held_by(const struct mp_heap_view *view,
                                    const struct mp_heap_node *node, enum mp_heap_when when)
{
    if (when == MP_HEAP_WHEN_PEAK)
        return (struct mp_heap_delta){mp_heap_at_peak(view, node),
                                      (int64_t)mp_heap_blocks_at_peak(view, node)};
    return (struct mp_heap_delta){mp_heap_live(node), (int64_t)mp_heap_live_blocks(node)};
}

struct mp_heap_delta mp_heap_held_at(const struct mp_heap_view *view,
                                     const struct mp_heap_instant *instant,
                                     struct mp_heap_delta *held)
{
    size_t count = view->counts[MP_HEAP_NODES];
    memset(held, 0, count * sizeof *held);
    if (instant->when == MP_HEAP_WHEN_START)
        return (struct mp_heap_delta){0};
    if (instant->when == MP_HEAP_WHEN_PEAK || instant->when == MP_HEAP_WHEN_END) {
        for (size_t i = 0; i < count; i++)
            held[i] = held_by(view, &view->nodes[i], instant->when);
        return (struct mp_heap_delta){0};
    }
    const struct mp_heap_moment *moment = &view->moments[instant->index];
    const struct mp_heap_holding *its =
        view->entries + (size_t)instant->index * MP_HEAP_SLOT;
    for (uint32_t i = 0; i < moment->count; i++)
        held[its[i].node] = (struct mp_heap_delta){its[i].bytes, its[i].blocks};
    return (struct mp_heap_delta){moment->rest, (int64_t)(moment->rest_blocks & INT64_MAX)};
}

/* The moment that an instant is; NULL: all stacks are known. */
static const struct mp_heap_moment *moment_of(const struct mp_heap_view *view,
                                              const struct mp_heap_instant *instant)
{
    bool is = instant->when == MP_HEAP_WHEN_MOMENT || instant->when == MP_HEAP_WHEN_MARK;
    return is ? &view->moments[instant->index] : NULL;
}

/* What a stack that a moment does not have held then, at most. */
static struct mp_heap_delta bound_of(const struct mp_heap_view *view,
                                     const struct mp_heap_instant *instant)
{
    const struct mp_heap_moment *moment = moment_of(view, instant);
    if (!moment)
        return (struct mp_heap_delta){0};
    int64_t part = moment->live / MP_HEAP_ENTRY_PART;
    bool all = !moment->rest_stacks || part < 0;
    return (struct mp_heap_delta){all ? 0 : part, all ? 0 : (int64_t)moment->rest_blocks};
}

/* Whether a stack that holds so much at one moment may be one of the smaller ones at another, and not
   one that came or went. */
static bool may_be(int64_t bytes, int64_t bound)
{
    return bytes > 0 && bytes / 2 <= bound;
}

/* How many of the stacks there were then: later ones held nothing. */
static size_t known_of(const struct mp_heap_view *view,
                       const struct mp_heap_instant *instant)
{
    size_t count = view->counts[MP_HEAP_NODES];
    const struct mp_heap_moment *moment = moment_of(view, instant);
    return moment && moment->nodes < count ? moment->nodes : count;
}

/* Stacks that a moment does not have, and that are not large at the other one, are taken to have held what
   they do there, as far as they may have; it is taken out of the rest: no growth is told that may be none. Sums
   stay. */
static void assume(struct mp_heap_delta *held, struct mp_heap_delta *rest,
                   struct mp_heap_delta bound, const struct mp_heap_delta *other,
                   size_t count)
{
    for (size_t i = 0; i < count && bound.bytes && rest->bytes > 0; i++) {
        if (held[i].bytes || held[i].blocks || !may_be(other[i].bytes, bound.bytes))
            continue;
        int64_t most = bound.bytes < rest->bytes ? bound.bytes : rest->bytes;
        bool whole = other[i].bytes <= most;
        held[i].bytes = whole ? other[i].bytes : most;
        held[i].blocks = whole && other[i].blocks <= bound.blocks ? other[i].blocks : 0;
        rest->bytes = mp_difference(rest->bytes, held[i].bytes);
        rest->blocks = mp_difference(rest->blocks, held[i].blocks);
    }
}

int mp_heap_held_before(const struct mp_heap_view *view,
                        const struct mp_heap_instant *instant, struct mp_heap_delta *held)
{
    const struct mp_heap_instant end = of_run(view, MP_HEAP_WHEN_END);
    struct mp_heap_delta *now = calloc(view->counts[MP_HEAP_NODES] + 1, sizeof *now);
    if (!now) {
        errno = ENOMEM;
        return -1;
    }
    struct mp_heap_delta rest = mp_heap_held_at(view, instant, held);
    mp_heap_held_at(view, &end, now);
    assume(held, &rest, bound_of(view, instant), now, known_of(view, instant));
    free(now);
    return 0;
}

/* Copies of the tables that change, with room for one more: the stack of all that have none. */
static int copy_tables(struct mp_heap_shown *shown, const struct mp_heap_view *view)
{
    size_t nodes = view->counts[MP_HEAP_NODES], codes = view->counts[MP_HEAP_CODES];
    size_t text = view->counts[MP_HEAP_TEXT];
    shown->header = malloc(sizeof *shown->header);
    shown->nodes = calloc(nodes + 1, sizeof *shown->nodes);
    shown->codes = calloc(codes + 1, sizeof *shown->codes);
    shown->text = malloc(text + sizeof smaller);
    if (!shown->header || !shown->nodes || !shown->codes || !shown->text) {
        errno = ENOMEM;
        return -1;
    }
    *shown->header = *view->header;
    memcpy(shown->nodes, view->nodes, nodes * sizeof *shown->nodes);
    memcpy(shown->codes, view->codes, codes * sizeof *shown->codes);
    memcpy(shown->text, view->text, text);
    shown->view.header = shown->header;
    shown->view.nodes = shown->nodes;
    shown->view.codes = shown->codes;
    shown->view.text = shown->text;
    return 0;
}

/* It has no file, as no code of Python's has, and an empty line table that is somewhere: it is no
   thread. */
static struct mp_heap_node *add_smaller(struct mp_heap_shown *shown)
{
    size_t *counts = shown->view.counts, length = sizeof smaller - 1;
    struct mp_heap_text name = {(uint32_t)counts[MP_HEAP_TEXT], (uint32_t)length};
    memcpy(shown->text + name.offset, smaller, length);
    counts[MP_HEAP_TEXT] += length;
    shown->codes[counts[MP_HEAP_CODES]] =
        (struct mp_heap_code){.name = name, .lines = {.offset = 1}};
    struct mp_heap_node *node = &shown->nodes[counts[MP_HEAP_NODES]++];
    *node = (struct mp_heap_node){.code = (uint32_t)counts[MP_HEAP_CODES]++,
                                  .epoch = shown->header->epoch};
    return node;
}

static uint32_t short_of(int64_t blocks)
{
    return blocks > UINT32_MAX ? UINT32_MAX : (uint32_t)blocks;
}

static void set_peak(struct mp_heap_node *node, const struct mp_heap_delta *held,
                     uint32_t epoch)
{
    node->epoch = epoch;
    node->at_peak = held->bytes;
    node->at_peak_blocks = short_of(held->blocks);
}

/* What was read near the peak is of another moment. */
static int show_at(struct mp_heap_shown *shown, const struct mp_heap_view *view)
{
    const struct mp_heap_instant *at = &shown->range.to;
    size_t count = view->counts[MP_HEAP_NODES];
    struct mp_heap_delta *held = calloc(count + 1, sizeof *held);
    if (!held || copy_tables(shown, view)) {
        free(held);
        return -1;
    }
    struct mp_heap_delta rest = mp_heap_held_at(view, at, held);
    for (size_t i = 0; i < count; i++)
        set_peak(&shown->nodes[i], &held[i], shown->header->epoch);
    if (rest.bytes || rest.blocks)
        set_peak(add_smaller(shown), &rest, shown->header->epoch);
    if (at->when != MP_HEAP_WHEN_PEAK)
        shown->header->balance[MP_HEAP_NEAR_PEAK].rss = 0;
    shown->header->peak = at->live;
    shown->header->peak_time = at->time;
    free(held);
    return 0;
}

static int show_growth(struct mp_heap_shown *shown, const struct mp_heap_view *view)
{
    size_t count = view->counts[MP_HEAP_NODES];
    struct mp_heap_delta *before = calloc(count + 1, sizeof *before);
    struct mp_heap_delta *growth = shown->growth = calloc(count + 1, sizeof *growth);
    if (!before || !growth || copy_tables(shown, view)) {
        free(before);
        return -1;
    }
    struct mp_heap_delta were = mp_heap_held_at(view, &shown->range.from, before);
    struct mp_heap_delta are = mp_heap_held_at(view, &shown->range.to, growth);
    assume(before, &were, bound_of(view, &shown->range.from), growth,
           known_of(view, &shown->range.from));
    assume(growth, &are, bound_of(view, &shown->range.to), before,
           known_of(view, &shown->range.to));
    for (size_t i = 0; i < count; i++) {
        growth[i].bytes = mp_difference(growth[i].bytes, before[i].bytes);
        growth[i].blocks = mp_difference(growth[i].blocks, before[i].blocks);
    }
    if (were.bytes || were.blocks || are.bytes || are.blocks) {
        add_smaller(shown);
        growth[count].bytes = mp_difference(are.bytes, were.bytes);
        growth[count].blocks = mp_difference(are.blocks, were.blocks);
    }
    shown->view.growth = growth;
    free(before);
    return 0;
}

/* Where there are smaller stacks they are the last. */
static struct mp_heap_node *smaller_of(struct mp_heap_shown *shown, size_t count)
{
    return shown->view.counts[MP_HEAP_NODES] > count ? &shown->nodes[count] : NULL;
}

static void level(struct mp_heap_shown *shown, const struct mp_heap_view *view,
                  const struct mp_heap_node *others)
{
    size_t count = view->counts[MP_HEAP_NODES];
    struct mp_heap_node *smaller = smaller_of(shown, count);
    int64_t bound = bound_of(view, &shown->range.to).bytes;
    size_t known = known_of(view, &shown->range.to);
    for (size_t i = 0; smaller && smaller->at_peak > 0 && i < known; i++) {
        struct mp_heap_node *node = &shown->nodes[i];
        int64_t other = others[i].at_peak;
        if (node->at_peak || !may_be(other, bound))
            continue;
        int64_t most = bound < smaller->at_peak ? bound : smaller->at_peak;
        node->at_peak = other < most ? other : most;
        node->at_peak_blocks = other <= most ? others[i].at_peak_blocks : 0;
        smaller->at_peak = mp_difference(smaller->at_peak, node->at_peak);
        smaller->at_peak_blocks -= node->at_peak_blocks < smaller->at_peak_blocks
                                       ? node->at_peak_blocks
                                       : smaller->at_peak_blocks;
    }
}

void mp_heap_shown_level(struct mp_heap_shown *a, struct mp_heap_shown *b,
                         const struct mp_heap_view *view)
{
    if (!a->nodes || !b->nodes)
        return;
    level(a, view, b->nodes);
    level(b, view, a->nodes);
}

int mp_heap_shown_init(struct mp_heap_shown *shown, const struct mp_heap_view *view,
                       const struct mp_heap_range *range)
{
    *shown = (struct mp_heap_shown){.view = *view, .range = *range};
    shown->view.range = &shown->range;
    int failed = range->is_at ? show_at(shown, view) : show_growth(shown, view);
    if (failed)
        errno = ENOMEM;
    return failed;
}

void mp_heap_shown_release(struct mp_heap_shown *shown)
{
    free(shown->header);
    free(shown->nodes);
    free(shown->codes);
    free(shown->text);
    free(shown->growth);
    *shown = (struct mp_heap_shown){0};
}
