#include "aggregate/heap/live.h"

#include <stdlib.h>
#include <string.h>

#include "aggregate/heap/live_place.h"
#include "aggregate/heap/moments.h"
#include "base/array.h"
#include "base/saturate.h"

const char mp_heap_live_groups[] = "your-line line function file module process thread";
const char mp_heap_live_orders[] = "live rate since peak blocks allocated temporary";

/* Of the growth a second, how much the last second counts. */
static const double LATEST = 0.4;

int mp_heap_live_init(struct mp_heap_live *live, enum mp_heap_live_group group)
{
    *live = (struct mp_heap_live){.group = group};
    return mp_slots_init(&live->index, 0);
}

void mp_heap_live_release(struct mp_heap_live *live)
{
    mp_slots_release(&live->index);
    free(live->rows);
    free(live->text);
    *live = (struct mp_heap_live){0};
}

void mp_heap_live_process_release(struct mp_heap_live_process *process)
{
    mp_heap_own_release(&process->own);
    mp_slots_release(&process->index);
    free(process->sites);
    free(process->nodes);
    free(process->users);
    free(process->threads);
    *process = (struct mp_heap_live_process){0};
}

/* Rows are found anew. */
static void forget_rows(struct mp_heap_live_process *process)
{
    process->placed = 0;
    for (size_t i = 0; i < process->site_count; i++)
        process->sites[i].row = 0;
}

int mp_heap_live_regroup(struct mp_heap_live *live, enum mp_heap_live_group group,
                         struct mp_heap_live_process *const *processes, size_t count)
{
    struct mp_heap_live fresh;
    if (mp_heap_live_init(&fresh, group))
        return -1;
    memcpy(fresh.mine, live->mine, sizeof fresh.mine);
    fresh.here = live->here;
    mp_heap_live_release(live);
    *live = fresh;
    for (size_t i = 0; i < count; i++)
        forget_rows(processes[i]);
    return 0;
}

int64_t mp_heap_live_measure(const struct mp_heap_live *live,
                             const struct mp_heap_live_row *row)
{
    uint64_t total = row->now.total;
    if (live->group != MP_HEAP_LIVE_THREADS)
        return row->now.live;
    return total > INT64_MAX ? INT64_MAX : (int64_t)total;
}

int64_t mp_heap_live_growth(const struct mp_heap_live *live,
                            const struct mp_heap_live_row *row)
{
    return mp_difference(mp_heap_live_measure(live, row), row->marked);
}

/* What is there at both ends is the same sample, and says nothing: only what came and what went varies. No more
   went than was freed ever. */
int64_t mp_heap_live_growth_error(uint64_t sample, const struct mp_heap_live *live,
                                  const struct mp_heap_live_row *row)
{
    uint64_t holds = row->now.live > 0 ? (uint64_t)row->now.live : 0;
    uint64_t freed = row->now.total > holds ? row->now.total - holds : 0;
    int64_t were = row->marked > 0 ? row->marked : 0;
    int64_t went = (uint64_t)were < freed ? were : (int64_t)freed;
    int64_t came = mp_sum(mp_heap_live_growth(live, row), went);
    return mp_heap_error_of(sample, mp_sum(came > 0 ? came : 0, went));
}

static void add(struct mp_heap_live_row *row, const struct mp_heap_live_figures *more,
                int64_t marked)
{
    struct mp_heap_live_figures *now = &row->now;
    now->live = mp_sum(now->live, more->live);
    now->at_peak = mp_sum(now->at_peak, more->at_peak);
    now->blocks = mp_sum_unsigned(now->blocks, more->blocks);
    now->total = mp_sum_unsigned(now->total, more->total);
    now->allocations = mp_sum_unsigned(now->allocations, more->allocations);
    now->temporary = mp_sum_unsigned(now->temporary, more->temporary);
    row->marked = mp_sum(row->marked, marked);
}

/* One pass over the nodes: those that only called have no figures. */
static void add_nodes(struct mp_heap_live *live, const struct mp_heap_live_process *process)
{
    const struct mp_heap_view *view = process->view;
    for (size_t i = 0; i < process->count; i++) {
        const struct mp_heap_node *node = &view->nodes[i];
        const struct mp_heap_live_node *its = &process->nodes[i];
        if (!mp_heap_was_used(node) && !its->marked)
            continue;
        struct mp_heap_live_figures figures = {
            .live = mp_heap_live(node),
            .at_peak = mp_heap_at_peak(view, node),
            .blocks = mp_heap_live_blocks(node),
            .total = node->total,
            .allocations = node->blocks,
            .temporary = node->temporary,
        };
        add(&live->rows[its->row - 1], &figures, its->marked);
    }
}

static int add_threads(struct mp_heap_live *live, struct mp_heap_live_process *process)
{
    const struct mp_heap_view *view = process->view;
    size_t count = view->counts[MP_HEAP_THREADS];
    if (mp_array_reserve((void **)&process->threads, &process->thread_room, count,
                         sizeof *process->threads))
        return -1;
    for (size_t i = 0; i < count; i++) {
        const struct mp_heap_thread *thread = &view->threads[i];
        struct mp_heap_live_figures figures = {.total = thread->allocated,
                                               .allocations = thread->blocks,
                                               .temporary = thread->temporary};
        uint32_t row = mp_heap_live_thread_row(live, process, thread->id);
        if (!row)
            return -1;
        add(&live->rows[row - 1], &figures, process->threads[i]);
    }
    return 0;
}

static void begin(struct mp_heap_live *live, struct mp_heap_live_row *row)
{
    row->before = mp_heap_live_measure(live, row);
    row->now = (struct mp_heap_live_figures){0};
    row->marked = 0;
}

static void end(struct mp_heap_live *live, struct mp_heap_live_row *row, double seconds)
{
    double grown = (double)mp_difference(mp_heap_live_measure(live, row), row->before);
    if (live->was_looked_at && seconds > 0)
        row->rate = live->was_rated ? row->rate * (1 - LATEST) + grown / seconds * LATEST
                                    : grown / seconds;
}

int mp_heap_live_look(struct mp_heap_live *live,
                      struct mp_heap_live_process *const *processes, size_t count,
                      double seconds)
{
    int failed = 0;
    for (size_t i = 0; i < live->count; i++)
        begin(live, &live->rows[i]);
    begin(live, &live->whole);
    for (size_t i = 0; i < count && !failed; i++) {
        failed = mp_heap_live_place(live, processes[i]);
        if (!failed && live->group == MP_HEAP_LIVE_THREADS)
            failed = add_threads(live, processes[i]);
        else if (!failed)
            add_nodes(live, processes[i]);
    }
    for (size_t i = 0; i < live->count; i++) {
        add(&live->whole, &live->rows[i].now, live->rows[i].marked);
        end(live, &live->rows[i], seconds);
    }
    end(live, &live->whole, seconds);
    live->was_rated |= live->was_looked_at && seconds > 0;
    live->was_looked_at = true;
    return failed;
}

int mp_heap_live_mark(struct mp_heap_live *live,
                      struct mp_heap_live_process *const *processes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct mp_heap_live_process *process = processes[i];
        const struct mp_heap_view *view = process->view;
        for (size_t node = 0; node < process->count; node++)
            process->nodes[node].marked = mp_heap_live(&view->nodes[node]);
        size_t threads = view->counts[MP_HEAP_THREADS];
        if (mp_array_reserve((void **)&process->threads, &process->thread_room, threads,
                             sizeof *process->threads))
            return -1;
        for (size_t at = 0; at < threads; at++)
            process->threads[at] = view->threads[at].allocated > INT64_MAX
                                       ? INT64_MAX
                                       : (int64_t)view->threads[at].allocated;
    }
    for (size_t i = 0; i < live->count; i++)
        live->rows[i].marked = mp_heap_live_measure(live, &live->rows[i]);
    live->whole.marked = mp_heap_live_measure(live, &live->whole);
    return 0;
}

int mp_heap_live_mark_at(struct mp_heap_live_process *process,
                         const struct mp_heap_view *view,
                         const struct mp_heap_instant *instant)
{
    size_t count = view->counts[MP_HEAP_NODES];
    struct mp_heap_delta *held = calloc(count + 1, sizeof *held);
    if (!held || mp_heap_held_before(view, instant, held)) {
        free(held);
        return -1;
    }
    for (size_t node = 0; node < process->count; node++)
        process->nodes[node].marked = node < count ? held[node].bytes : 0;
    free(held);
    return 0;
}

void mp_heap_live_rate_since(struct mp_heap_live *live, double seconds)
{
    for (size_t i = 0; i < live->count; i++)
        live->rows[i].rate = (double)mp_heap_live_growth(live, &live->rows[i]) / seconds;
    live->whole.rate = (double)mp_heap_live_growth(live, &live->whole) / seconds;
    live->was_rated = true;
}

struct sorting {
    const struct mp_heap_live *live;
    enum mp_heap_live_order order;
};

static double weight(const struct sorting *by, const struct mp_heap_live_row *row)
{
    switch (by->order) {
    case MP_HEAP_LIVE_BY_RATE:
        return row->rate;
    case MP_HEAP_LIVE_BY_GROWTH:
        return (double)mp_heap_live_growth(by->live, row);
    case MP_HEAP_LIVE_BY_PEAK:
        return (double)row->now.at_peak;
    case MP_HEAP_LIVE_BY_BLOCKS:
        return (double)row->now.blocks;
    case MP_HEAP_LIVE_BY_ALLOCATED:
        return (double)row->now.total;
    case MP_HEAP_LIVE_BY_TEMPORARY:
        return (double)row->now.temporary;
    case MP_HEAP_LIVE_BY_LIVE:
    case MP_HEAP_LIVE_ORDERS:
        break;
    }
    return (double)mp_heap_live_measure(by->live, row);
}

static int compare_texts(const char *text, struct mp_heap_text a, struct mp_heap_text b)
{
    size_t length = a.length < b.length ? a.length : b.length;
    int order = memcmp(text + a.offset, text + b.offset, length);
    return order ? order : (a.length > b.length) - (a.length < b.length);
}

static int compare(const void *left, const void *right, void *context)
{
    const struct sorting *by = context;
    const struct mp_heap_live_row *a = &by->live->rows[*(const uint32_t *)left];
    const struct mp_heap_live_row *b = &by->live->rows[*(const uint32_t *)right];
    double x = weight(by, a), y = weight(by, b);
    if (x != y)
        return x < y ? 1 : -1;
    int order = compare_texts(by->live->text, a->file, b->file);
    order = order ? order : (a->line > b->line) - (a->line < b->line);
    order = order ? order : compare_texts(by->live->text, a->name, b->name);
    return order ? order : (a > b) - (a < b);
}

uint32_t *mp_heap_live_sorted(const struct mp_heap_live *live,
                              enum mp_heap_live_order order, size_t *count)
{
    struct sorting by = {live, order};
    uint32_t *sorted = calloc(live->count + 1, sizeof *sorted);
    *count = 0;
    for (uint32_t i = 0; sorted && i < live->count; i++)
        if (live->rows[i].now.total || live->rows[i].marked)
            sorted[(*count)++] = i;
    if (sorted)
        qsort_r(sorted, *count, sizeof *sorted, compare, &by);
    return sorted;
}
