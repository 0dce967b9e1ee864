#include "capture/heap/accounting/nest.h"

#include <stddef.h>
#include <sys/mman.h>

#include "base/clock.h"

/* Epochs of nodes that nothing was counted of: not looked at yet, counted from here on, never. */
enum { UNSEEN = 0, FIRST = 1, FOREIGN = UINT32_MAX };

enum { FEW = 1 << 12 /* nodes, whose values are worth clearing */, SPARE = 4 };

static __thread char here; /* its address is the thread's name */

/* Very many are opened one after the other: the rooms of the latest are kept, empty. */
static struct mp_nest *spare[SPARE];

static struct mp_nest *take_room(size_t bytes)
{
    for (int i = 0; i < SPARE; i++) {
        struct mp_nest *kept = __atomic_exchange_n(&spare[i], NULL, __ATOMIC_ACQ_REL);
        if (kept && kept->bytes == bytes)
            return kept;
        if (kept)
            munmap(kept, kept->bytes);
    }
    void *room = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return room == MAP_FAILED ? NULL : room;
}

static void keep_room(struct mp_nest *nest)
{
    struct mp_nest *none = NULL;
    for (int i = 0; i < SPARE; i++, none = NULL)
        if (__atomic_compare_exchange_n(&spare[i], &none, nest, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED))
            return;
    munmap(nest, nest->bytes);
}

struct mp_nest *mp_nest_new(const struct mp_heap *heap, struct mp_nest *outer,
                            int64_t start, uint32_t first,
                            const struct mp_nest_terms *terms)
{
    const struct mp_heap_header *header = heap->header;
    size_t room = (size_t)heap->most * MP_HEAP_CHUNK / sizeof(struct mp_heap_node);
    size_t bytes = sizeof(struct mp_nest) + room * sizeof(struct mp_nest_peak);
    struct mp_nest *nest = take_room(bytes);
    if (!nest)
        return NULL;
    nest->outer = outer;
    nest->heap = heap;
    nest->first = first;
    nest->python = terms->python;
    nest->apart = terms->apart;
    nest->warm = terms->warm;
    nest->epoch = FIRST;
    nest->thread = terms->alone ? &here : NULL;
    nest->start = mp_clock_ns();
    nest->began = nest->start - start;
    nest->wall_start = header->wall_start + nest->began;
    nest->untracked = header->untracked;
    nest->untracked_bytes = header->untracked_bytes;
    nest->shortened = header->shortened;
    nest->misplaced = header->misplaced;
    nest->bytes = bytes;
    nest->series.interval = MP_LEDGER_INTERVAL;
    return nest;
}

void mp_nest_release(struct mp_nest *nest)
{
    uint32_t used = nest && nest->end ? nest->end - nest->first : FEW;
    if (!nest)
        return;
    if (used >= FEW) {
        munmap(nest, nest->bytes);
        return;
    }
    struct mp_heap_series *series = &nest->series;
    size_t bytes = nest->bytes;
    memset(nest->peaks, 0, used * sizeof *nest->peaks);
    for (int bank = 0; bank < 2; bank++)
        memset(series->points[bank], 0, series->count[bank] * sizeof *series->points[bank]);
    memset(nest, 0, offsetof(struct mp_nest, series.points));
    nest->bytes = bytes;
    keep_room(nest);
}

static void add_point(struct mp_nest *nest, int64_t now, int64_t rss)
{
    nest->elapsed = now;
    if (nest->timed_peak != nest->peak) {
        nest->timed_peak = nest->peak;
        nest->peak_time = now;
        if (nest->live != nest->peak) /* it was there until now */
            mp_heap_series_add(&nest->series, (struct mp_heap_point){now, rss, nest->peak},
                               nest->peak);
    }
    mp_heap_series_add(&nest->series, (struct mp_heap_point){now, rss, nest->live},
                       nest->peak);
    nest->noted = nest->live;
}

void mp_nest_note_time(struct mp_nest *nest, int64_t now, int64_t rss)
{
    for (; nest; nest = nest->outer)
        add_point(nest, now - nest->began, rss);
}

static void save(struct mp_nest_peak *peak, const struct mp_heap_node *node, uint32_t epoch)
{
    if (peak->epoch == epoch)
        return;
    peak->at_peak = node->live;
    peak->at_peak_blocks = node->live_blocks;
    peak->epoch = epoch;
}

static bool is_in_hole(const struct mp_nest *nest, uint32_t node)
{
    for (int i = 0; i < nest->hole_count; i++)
        if (node >= nest->holes[i].first && node < nest->holes[i].end)
            return true;
    return false;
}

void mp_nest_open_hole(struct mp_nest *innermost)
{
    for (struct mp_nest *nest = innermost->outer; nest; nest = nest->outer) {
        int last = nest->hole_count - 1;
        bool goes_on = last >= 0 && nest->holes[last].end == innermost->first;
        if (is_in_hole(nest, innermost->first) || (!goes_on && last + 1 == MP_NEST_HOLES))
            continue;
        if (!goes_on)
            nest->holes[last = nest->hole_count++].first = innermost->first;
        nest->holes[last].end = UINT32_MAX;
        nest->holes[last].by = innermost->first;
    }
}

void mp_nest_close_hole(struct mp_nest *innermost, uint32_t end)
{
    for (struct mp_nest *nest = innermost->outer; nest; nest = nest->outer) {
        int last = nest->hole_count - 1;
        if (last >= 0 && nest->holes[last].by == innermost->first)
            nest->holes[last].end = end;
    }
}

bool mp_nest_counts(const struct mp_nest *nest, uint32_t number)
{
    const struct mp_heap_node *node = &nest->heap->nodes[number];
    return !(nest->python && mp_heap_kind(node) != MP_HEAP_PYTHON) &&
           nest->peaks[number - nest->first].epoch != FOREIGN && !is_in_hole(nest, number);
}

static bool imports(const struct mp_nest *nest, uint32_t number)
{
    static const char importer[] = "<frozen importlib";
    const struct mp_heap_code *code = &nest->heap->codes[nest->heap->nodes[number].code];
    size_t length = sizeof importer - 1;
    return nest->warm && code->file.length > length &&
           !memcmp(nest->heap->text + code->file.offset, importer, length);
}

/* A node that changes for the first time, and its callers. Stacks of two threads are two nodes, so
   the first one that changes it has it; what an import calls is the import's. */
static void look_at(struct mp_nest *nest, uint32_t number)
{
    uint32_t at = number, until = number, epoch = FIRST;
    for (; at > nest->first; at = nest->heap->nodes[at].parent) {
        if (nest->peaks[at - nest->first].epoch == FOREIGN)
            epoch = FOREIGN;
        if (nest->peaks[at - nest->first].epoch != UNSEEN)
            break;
        if (imports(nest, at))
            until = nest->heap->nodes[at].parent;
    }
    if (nest->thread && nest->thread != &here)
        epoch = FOREIGN;
    uint32_t now = until == number ? epoch : FOREIGN;
    for (uint32_t to = at, i = number; i > to; i = nest->heap->nodes[i].parent) {
        if (i == until)
            now = epoch;
        nest->peaks[i - nest->first].epoch = now;
    }
}

void mp_nest_figures(const struct mp_nest *nest, struct mp_nest_figures *figures)
{
    const struct mp_heap_header *header = nest->heap->header;
    *figures = (struct mp_nest_figures){.live = nest->live,
                                        .peak = nest->peak,
                                        .rss = nest->rss,
                                        .rss_end = nest->rss_end,
                                        .untracked = header->untracked - nest->untracked};
    uint32_t count = nest->heap->is_cut ? 0 : (uint32_t)header->counts[MP_HEAP_NODES];
    for (uint32_t number = nest->first; number < count; number++) {
        const struct mp_heap_node *node = &nest->heap->nodes[number];
        if (!node->blocks || !mp_nest_counts(nest, number))
            continue;
        figures->total += node->total;
        figures->blocks += node->blocks;
        figures->live_blocks += node->live_blocks;
    }
}

int64_t mp_nest_kept(const struct mp_nest *nest)
{
    int64_t bytes = 0;
    for (uint32_t number = nest->first; number < nest->end; number++)
        if (mp_nest_counts(nest, number))
            bytes += nest->heap->nodes[number].live;
    return bytes;
}

static void change(struct mp_nest *nest, uint32_t stack, int64_t bytes, int64_t rss)
{
    const struct mp_heap_node *node = &nest->heap->nodes[stack];
    if ((nest->thread || nest->warm) && nest->peaks[stack - nest->first].epoch == UNSEEN)
        look_at(nest, stack);
    if (!mp_nest_counts(nest, stack))
        return;
    save(&nest->peaks[stack - nest->first], node, nest->epoch);
    nest->live += bytes;
    if (nest->live > nest->peak) {
        nest->peak = nest->live;
        nest->epoch++;
    }
    int64_t more = nest->live - nest->noted;
    if (more >= MP_LEDGER_LARGE || more <= -MP_LEDGER_LARGE)
        add_point(nest, mp_clock_ns() - nest->start, rss);
}

void mp_nest_change(struct mp_nest *nest, uint32_t stack, int64_t bytes, int64_t rss)
{
    for (; nest; nest = nest->outer)
        if (stack >= nest->first)
            change(nest, stack, bytes, rss);
}
