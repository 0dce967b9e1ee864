#include "aggregate/heap/leaks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/heap/types.h"
#include "base/array.h"
#include "base/mix.h"
#include "base/saturate.h"
#include "base/slots.h"

/* What a stack held at one of the points. */
struct reading {
    uint32_t point, blocks;
    int64_t bytes;
};

/* A stack that was worth an entry at some point. */
struct followed {
    uint32_t node, row;
    uint32_t from, count; /* of its readings */
};

/* A user's line while it is summed. */
struct row {
    uint32_t code;
    int line;
    bool is_users, is_import;
};

struct watching {
    const struct mp_heap_view *view;
    const struct mp_heap_own *own;
    const int *lines;
    const struct mp_heap_moment *moments[MP_HEAP_SLOTS]; /* by their time */
    size_t points;                                       /* of them, and the end */
    int64_t times[MP_HEAP_SLOTS + 1], bounds[MP_HEAP_SLOTS + 1];
    uint32_t
        *near; /* owned as all; of each node: the nearest of the user's, itself included */
    uint8_t *imports;          /* of each node: import machinery called it since */
    uint32_t *numbers;         /* of each node: its followed + 1 */
    struct followed *followed; /* by row, once they have one */
    size_t followed_count;
    struct reading *readings;
    size_t reading_count;
    struct row *rows;
    size_t row_count, row_room;
};

static int by_time(const void *left, const void *right)
{
    const struct mp_heap_moment *a = *(const struct mp_heap_moment *const *)left;
    const struct mp_heap_moment *b = *(const struct mp_heap_moment *const *)right;
    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    return (a > b) - (a < b);
}

/* Of a stack without an entry: it held no more. */
static int64_t bound_of(const struct mp_heap_moment *moment)
{
    int64_t part = moment->live / MP_HEAP_ENTRY_PART;
    int64_t bound = part < moment->rest ? part : moment->rest;
    return moment->rest_stacks && bound > 0 ? bound : 0;
}

static void find_points(struct watching *watching, int64_t since)
{
    const struct mp_heap_view *view = watching->view;
    size_t count = 0, first = 0;
    for (size_t i = 0; i < view->counts[MP_HEAP_MOMENTS] && count < MP_HEAP_SLOTS; i++)
        if (view->moments[i].stamp)
            watching->moments[count++] = &view->moments[i];
    if (count)
        qsort(watching->moments, count, sizeof *watching->moments, by_time);
    while (first + 1 < count && watching->moments[first + 1]->time <= since)
        first++;
    for (size_t i = first; i < count; i++) {
        size_t to = i - first;
        watching->moments[to] = watching->moments[i];
        watching->times[to] = watching->moments[to]->time;
        watching->bounds[to] = bound_of(watching->moments[to]);
    }
    watching->points = count - first;
    watching->times[watching->points++] = view->header->elapsed;
}

static bool is_import_at(const struct watching *watching, uint32_t node)
{
    const struct mp_heap_node *its = &watching->view->nodes[node];
    if (mp_heap_own_is_users(watching->own, its->code))
        return false;
    return mp_heap_own_is_importer(watching->own, its->code) ||
           watching->imports[its->parent];
}

/* Parents come first. */
static void find_near(struct watching *watching)
{
    mp_heap_own_nearest(watching->own, watching->view, watching->near);
    for (uint32_t i = 1; i < watching->view->counts[MP_HEAP_NODES]; i++)
        watching->imports[i] = is_import_at(watching, i);
}

static void follow(struct watching *watching, uint32_t node)
{
    if (watching->numbers[node] || mp_heap_own_is_ours(watching->own, node))
        return;
    watching->followed[watching->followed_count++].node = node;
    watching->numbers[node] = (uint32_t)watching->followed_count;
}

static const struct mp_heap_holding *entries_of(const struct watching *watching,
                                                size_t point)
{
    size_t slot = (size_t)(watching->moments[point] - watching->view->moments);
    return watching->view->entries + slot * MP_HEAP_SLOT;
}

/* Those with an entry, and those that would have one now. */
static int find_followed(struct watching *watching)
{
    const struct mp_heap_view *view = watching->view;
    size_t nodes = view->counts[MP_HEAP_NODES];
    watching->followed = calloc(nodes + 1, sizeof *watching->followed);
    if (!watching->followed)
        return -1;
    for (size_t point = 0; point + 1 < watching->points; point++)
        for (uint32_t i = 0; i < watching->moments[point]->count; i++) {
            uint32_t node = entries_of(watching, point)[i].node;
            follow(watching, node);
            if (watching->numbers[node])
                watching->followed[watching->numbers[node] - 1].count++;
        }
    for (uint32_t i = 1; i < nodes; i++)
        if (view->nodes[i].live > view->header->live / MP_HEAP_ENTRY_PART)
            follow(watching, i);
    return 0;
}

static int find_readings(struct watching *watching)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < watching->followed_count; i++) {
        watching->followed[i].from = sum;
        sum += watching->followed[i].count;
        watching->followed[i].count = 0;
    }
    if (!(watching->readings = calloc((size_t)sum + 1, sizeof *watching->readings)))
        return -1;
    for (uint32_t point = 0; point + 1 < watching->points; point++)
        for (uint32_t i = 0; i < watching->moments[point]->count; i++) {
            const struct mp_heap_holding *entry = &entries_of(watching, point)[i];
            if (!watching->numbers[entry->node])
                continue;
            struct followed *its = &watching->followed[watching->numbers[entry->node] - 1];
            watching->readings[its->from + its->count++] =
                (struct reading){point, entry->blocks, entry->bytes};
        }
    return 0;
}

static struct row row_of(const struct watching *watching, uint32_t node)
{
    uint32_t near = watching->near[node], named = near ? near : node;
    return (struct row){watching->view->nodes[named].code, watching->lines[named],
                        near != 0, watching->imports[node]};
}

/* Its number + 1; 0 with errno ENOMEM. */
static uint32_t find_row(struct watching *watching, struct mp_slots *slots, struct row row)
{
    uint64_t hash = mp_mix(mp_mix(row.code, (uint32_t)row.line), row.is_import);
    struct mp_slots_at at;
    for (mp_slots_begin(&at, slots, hash); mp_slots_next(&at, slots);) {
        const struct row *there = &watching->rows[at.number - 1];
        if (there->code == row.code && there->line == row.line &&
            there->is_import == row.is_import)
            return at.number;
    }
    if (mp_array_reserve((void **)&watching->rows, &watching->row_room,
                         watching->row_count + 1, sizeof *watching->rows) ||
        mp_slots_put(&at, slots, (uint32_t)watching->row_count + 1))
        return 0;
    watching->rows[watching->row_count] = row;
    return (uint32_t)++watching->row_count;
}

static int by_row(const void *left, const void *right)
{
    const struct followed *a = left, *b = right;
    if (a->row != b->row)
        return a->row < b->row ? -1 : 1;
    return (a->node > b->node) - (a->node < b->node);
}

static int find_rows(struct watching *watching)
{
    struct mp_slots slots;
    int failed = mp_slots_init(&slots, 0);
    for (size_t i = 0; i < watching->followed_count && !failed; i++) {
        struct followed *its = &watching->followed[i];
        its->row = find_row(watching, &slots, row_of(watching, its->node));
        failed = its->row ? 0 : -1;
    }
    mp_slots_release(&slots);
    if (!failed && watching->followed_count)
        qsort(watching->followed, watching->followed_count, sizeof *watching->followed,
              by_row);
    return failed;
}

/* What a stack held at each point: as it was read, else no more than it may have. */
static void values_of(const struct watching *watching, const struct followed *its,
                      int64_t *values)
{
    const struct mp_heap_node *node = &watching->view->nodes[its->node];
    size_t last = watching->points - 1;
    for (size_t i = 0; i < last; i++)
        values[i] = -1;
    values[last] = node->live;
    for (uint32_t i = 0; i < its->count; i++) {
        const struct reading *reading = &watching->readings[its->from + i];
        values[reading->point] = reading->bytes;
    }
    for (size_t i = last; i-- > 0;)
        if (values[i] < 0)
            values[i] =
                values[i + 1] < watching->bounds[i] ? values[i + 1] : watching->bounds[i];
}

/* Of what it held at the first point, what cannot have been freed since: it never freed as much. */
static int64_t still_there(const struct watching *watching, const struct followed *its)
{
    const struct mp_heap_node *node = &watching->view->nodes[its->node];
    const struct reading *first = &watching->readings[its->from];
    uint64_t live = node->live > 0 ? (uint64_t)node->live : 0;
    uint64_t freed = node->total > live ? node->total - live : 0;
    if (!its->count || first->point || first->bytes <= 0 || (uint64_t)first->bytes <= freed)
        return 0;
    return first->bytes - (int64_t)freed;
}

static uint32_t blocks_at_first(const struct watching *watching, const struct followed *its)
{
    const struct reading *first = &watching->readings[its->from];
    return its->count && !first->point ? first->blocks : 0;
}

static void add_stack(struct mp_heap_leak *leak, const struct watching *watching,
                      const struct followed *its, int64_t *sums, int64_t *most)
{
    int64_t values[MP_HEAP_SLOTS + 1];
    const struct mp_heap_node *node = &watching->view->nodes[its->node];
    values_of(watching, its, values);
    for (size_t i = 0; i < watching->points; i++)
        sums[i] = mp_sum(sums[i], values[i]);
    int64_t growth = mp_difference(values[watching->points - 1], values[0]);
    if (!leak->inner || growth > *most) {
        leak->inner = its->node;
        *most = growth;
    }
    leak->live = mp_sum(leak->live, node->live);
    leak->total = mp_sum_unsigned(leak->total, node->total);
    leak->older = mp_sum(leak->older, still_there(watching, its));
    leak->blocks = mp_sum(leak->blocks, (int64_t)node->live_blocks -
                                            (int64_t)blocks_at_first(watching, its));
}

/* What is there at both ends is the same sample, and says nothing: only what came and what went varies. */
static int64_t error_of(const struct mp_heap_header *header,
                        const struct mp_heap_leak *leak)
{
    int64_t went = leak->first > leak->older ? leak->first - leak->older : 0;
    int64_t came = mp_sum(mp_difference(leak->last, leak->first), went);
    return mp_heap_error(header, mp_sum(came > 0 ? came : 0, went));
}

/* What is given back when the program ends was there until then. */
static size_t points_that_count(const int64_t *sums, size_t points)
{
    bool given_back =
        points > 2 && sums[points - 2] > sums[0] && sums[points - 1] < sums[points - 2] / 2;
    return given_back ? points - 1 : points;
}

static int keep(struct mp_heap_leaks *leaks, struct mp_heap_leak *leak,
                const struct watching *watching, const int64_t *sums)
{
    size_t points = points_that_count(sums, watching->points);
    leak->freed_at_end = points < watching->points;
    leak->first = sums[0];
    leak->last = sums[points - 1];
    leak->trend = mp_heap_trend_of(watching->times, sums, points,
                                   error_of(watching->view->header, leak));
    if (leak->trend.growth <= 0 || (!leak->is_import && !leak->trend.kind))
        return 0;
    if (mp_array_reserve((void **)&leaks->leaks, &leaks->room, leaks->count + 1,
                         sizeof *leaks->leaks))
        return -1;
    leaks->leaks[leaks->count++] = *leak;
    leaks->counts[leak->trend.kind] += !leak->is_import;
    return 0;
}

/* Stacks are in the order of their rows. */
static int sum_rows(struct mp_heap_leaks *leaks, const struct watching *watching)
{
    size_t at = 0;
    while (at < watching->followed_count) {
        uint32_t number = watching->followed[at].row;
        const struct row *row = &watching->rows[number - 1];
        int64_t sums[MP_HEAP_SLOTS + 1] = {0}, most = 0;
        struct mp_heap_leak leak = {.code = row->code,
                                    .line = row->line,
                                    .is_users = row->is_users,
                                    .is_import = row->is_import};
        for (; at < watching->followed_count && watching->followed[at].row == number; at++)
            add_stack(&leak, watching, &watching->followed[at], sums, &most);
        if (keep(leaks, &leak, watching, sums))
            return -1;
    }
    return 0;
}

static int by_kind(const void *left, const void *right)
{
    const struct mp_heap_leak *a = left, *b = right;
    if (a->is_import != b->is_import)
        return a->is_import - b->is_import;
    if (!a->is_import && a->trend.kind != b->trend.kind)
        return a->trend.kind > b->trend.kind ? -1 : 1;
    if (a->trend.growth != b->trend.growth)
        return a->trend.growth > b->trend.growth ? -1 : 1;
    if (a->code != b->code)
        return a->code < b->code ? -1 : 1;
    return (a->line > b->line) - (a->line < b->line);
}

/* Of each node; not only those that were followed are there. */
static int find_places(struct mp_heap_leaks *leaks, struct watching *watching)
{
    size_t nodes = watching->view->counts[MP_HEAP_NODES];
    struct mp_slots slots;
    int failed = mp_slots_init(&slots, 0);
    leaks->places = calloc(nodes + 1, sizeof *leaks->places);
    failed = leaks->places ? failed : -1;
    watching->row_count =
        0; /* rows are numbered anew: those of the leaks, in their order */
    for (size_t i = 0; i < leaks->count && !failed; i++) {
        const struct mp_heap_leak *leak = &leaks->leaks[i];
        struct row row = {leak->code, leak->line, leak->is_users, leak->is_import};
        failed = find_row(watching, &slots, row) ? 0 : -1;
    }
    for (uint32_t i = 1; i < nodes && !failed; i++)
        if (watching->view->nodes[i].live && !mp_heap_own_is_ours(watching->own, i)) {
            uint32_t number = find_row(watching, &slots, row_of(watching, i));
            failed = number ? 0 : -1;
            leaks->places[i] = number <= leaks->count ? number : 0;
        }
    mp_slots_release(&slots);
    return failed;
}

/* Growth of x bytes has an error of sqrt(sample * x) and more. */
static int64_t least_of(const struct mp_heap_header *header)
{
    const double most = 0x1p62; /* a damaged file may say anything */
    double least = (double)header->sample * MP_HEAP_TREND_SURE * MP_HEAP_TREND_SURE;
    return least < most ? (int64_t)least : (int64_t)most;
}

static void finish(struct mp_heap_leaks *leaks, const struct watching *watching)
{
    leaks->points = watching->points;
    leaks->none_taken = !watching->view->header->period && watching->points < 2;
    leaks->from = watching->times[0];
    leaks->to = watching->times[watching->points - 1];
    leaks->live_at_last = watching->view->header->live;
    leaks->live_at_first =
        watching->points > 1 ? watching->moments[0]->live : leaks->live_at_last;
    leaks->rest = mp_difference(leaks->live_at_last, leaks->live_at_first);
    leaks->least = least_of(watching->view->header);
    for (size_t i = 0; i < leaks->count; i++)
        leaks->rest = mp_difference(leaks->rest, leaks->leaks[i].trend.growth);
    if (leaks->count)
        qsort(leaks->leaks, leaks->count, sizeof *leaks->leaks, by_kind);
}

static int watch(struct mp_heap_leaks *leaks, struct watching *watching, int64_t since)
{
    size_t nodes = watching->view->counts[MP_HEAP_NODES];
    watching->near = calloc(nodes + 1, sizeof *watching->near);
    watching->imports = calloc(nodes + 1, sizeof *watching->imports);
    watching->numbers = calloc(nodes + 1, sizeof *watching->numbers);
    if (!watching->near || !watching->imports || !watching->numbers)
        return -1;
    find_points(watching, since);
    find_near(watching);
    if (find_followed(watching) || find_readings(watching) || find_rows(watching) ||
        sum_rows(leaks, watching))
        return -1;
    finish(leaks, watching);
    return mp_heap_typing_of(watching->view).row_count ? find_places(leaks, watching) : 0;
}

int mp_heap_leaks_init(struct mp_heap_leaks *leaks, const struct mp_heap_view *view,
                       const struct mp_heap_own *own, const int *lines, int64_t since)
{
    struct watching *watching = calloc(1, sizeof *watching);
    *leaks = (struct mp_heap_leaks){0};
    int failed = watching ? 0 : -1;
    if (watching) {
        *watching = (struct watching){.view = view, .own = own, .lines = lines};
        failed = watch(leaks, watching, since);
        free(watching->near);
        free(watching->imports);
        free(watching->numbers);
        free(watching->followed);
        free(watching->readings);
        free(watching->rows);
        free(watching);
    }
    if (failed)
        errno = ENOMEM;
    return failed;
}

void mp_heap_leaks_release(struct mp_heap_leaks *leaks)
{
    free(leaks->leaks);
    free(leaks->places);
    *leaks = (struct mp_heap_leaks){0};
}
