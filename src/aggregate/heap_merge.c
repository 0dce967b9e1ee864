#include "aggregate/heap_merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/heap_series.h"
#include "base/array.h"

enum { FIRST_ROOM = 1024, EPOCH = 1 /* of all: `at_peak` always holds */ };

#define MIX 0x9E3779B97F4A7C15u

static int64_t add(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? (a < 0 ? INT64_MIN : INT64_MAX) : sum;
}

static int64_t subtract(int64_t a, int64_t b)
{
    int64_t left;
    return __builtin_sub_overflow(a, b, &left) ? (a < 0 ? INT64_MIN : INT64_MAX) : left;
}

static uint64_t add_unsigned(uint64_t a, uint64_t b)
{
    return a + b < a ? UINT64_MAX : a + b;
}

static uint32_t add_blocks(uint32_t a, uint32_t b)
{
    return a + b < a ? UINT32_MAX : a + b;
}

static int new_index(struct mp_heap_merge_index *index, size_t room)
{
    *index = (struct mp_heap_merge_index){calloc(room, sizeof *index->slots), room - 1};
    return index->slots ? 0 : -1;
}

static void put(struct mp_heap_merge_index *index, uint64_t hash, uint32_t number)
{
    size_t at = (size_t)(hash >> 32) & index->mask;
    while (index->slots[at])
        at = (at + 1) & index->mask;
    index->slots[at] = number;
}

/* Codes. */

static uint64_t code_hash(const struct mp_heap_code *code)
{
    return ((uint64_t)code->hash << 32 | (uint32_t)code->first_line) * MIX;
}

static bool same_text(const struct mp_heap_merge *merge, struct mp_heap_text mine,
                      const struct mp_heap_view *view, struct mp_heap_text its)
{
    return mine.length == its.length &&
           !memcmp(merge->text + mine.offset, view->text + its.offset, its.length);
}

static uint32_t find_code(const struct mp_heap_merge *merge,
                          const struct mp_heap_view *view, const struct mp_heap_code *code)
{
    const struct mp_heap_merge_index *index = &merge->by_code;
    size_t at = (size_t)(code_hash(code) >> 32) & index->mask;
    for (; index->slots[at]; at = (at + 1) & index->mask) {
        const struct mp_heap_code *there = &merge->codes[index->slots[at]];
        if (there->first_line == code->first_line &&
            same_text(merge, there->name, view, code->name) &&
            same_text(merge, there->file, view, code->file) &&
            same_text(merge, there->lines, view, code->lines))
            break;
    }
    return index->slots[at];
}

static int copy_text(struct mp_heap_merge *merge, const struct mp_heap_view *view,
                     struct mp_heap_text *text)
{
    size_t offset = merge->text_size, size = offset + text->length;
    if (size > UINT32_MAX) {
        errno = ENOMEM;
        return -1;
    }
    if (mp_array_reserve((void **)&merge->text, &merge->text_room, size + 1, 1))
        return -1;
    memcpy(merge->text + offset, view->text + text->offset, text->length);
    text->offset = (uint32_t)offset;
    merge->text_size = size;
    return 0;
}

static int grow_codes(struct mp_heap_merge *merge)
{
    struct mp_heap_merge_index grown;
    if (mp_array_reserve((void **)&merge->codes, &merge->code_room, merge->code_count + 1,
                         sizeof *merge->codes))
        return -1;
    if (merge->code_count * 2 < merge->by_code.mask)
        return 0;
    if (new_index(&grown, (merge->by_code.mask + 1) * 2))
        return -1;
    for (uint32_t i = 1; i < merge->code_count; i++)
        put(&grown, code_hash(&merge->codes[i]), i);
    free(merge->by_code.slots);
    merge->by_code = grown;
    return 0;
}

/* Its number here; 0, the code without a name, when there is no memory. */
static uint32_t merge_code(struct mp_heap_merge *merge, const struct mp_heap_view *view,
                           const struct mp_heap_code *code)
{
    uint32_t found = find_code(merge, view, code);
    if (found)
        return found;
    struct mp_heap_code copy = *code;
    if (grow_codes(merge) || copy_text(merge, view, &copy.name) ||
        copy_text(merge, view, &copy.file) || copy_text(merge, view, &copy.lines))
        return 0;
    merge->codes[merge->code_count] = copy;
    put(&merge->by_code, code_hash(&copy), (uint32_t)merge->code_count);
    return (uint32_t)merge->code_count++;
}

static int merge_codes(struct mp_heap_merge *merge, const struct mp_heap_view *view,
                       uint32_t *numbers)
{
    for (size_t i = 1; i < view->counts[MP_HEAP_CODES]; i++)
        if (!(numbers[i] = merge_code(merge, view, &view->codes[i])))
            return -1;
    return 0;
}

/* Stacks. */

static uint64_t stack_hash(const struct mp_heap_node *node)
{
    uint64_t hash = ((uint64_t)node->parent << 32 | node->code) * MIX;
    return (hash ^ node->instruction) * MIX;
}

static uint32_t find_stack(const struct mp_heap_merge *merge,
                           const struct mp_heap_node *node)
{
    const struct mp_heap_merge_index *index = &merge->by_stack;
    size_t at = (size_t)(stack_hash(node) >> 32) & index->mask;
    for (; index->slots[at]; at = (at + 1) & index->mask) {
        const struct mp_heap_node *there = &merge->nodes[index->slots[at]];
        if (there->parent == node->parent && there->code == node->code &&
            there->instruction == node->instruction)
            break;
    }
    return index->slots[at];
}

static int grow_nodes(struct mp_heap_merge *merge)
{
    struct mp_heap_merge_index grown;
    if (mp_array_reserve((void **)&merge->nodes, &merge->node_room, merge->node_count + 1,
                         sizeof *merge->nodes))
        return -1;
    if (merge->node_count * 2 < merge->by_stack.mask)
        return 0;
    if (new_index(&grown, (merge->by_stack.mask + 1) * 2))
        return -1;
    for (uint32_t i = 1; i < merge->node_count; i++)
        put(&grown, stack_hash(&merge->nodes[i]), i);
    free(merge->by_stack.slots);
    merge->by_stack = grown;
    return 0;
}

static uint32_t new_stack(struct mp_heap_merge *merge, const struct mp_heap_node *node)
{
    if (grow_nodes(merge))
        return 0;
    merge->nodes[merge->node_count] =
        (struct mp_heap_node){.parent = node->parent,
                              .code = node->code,
                              .instruction = node->instruction,
                              .epoch = EPOCH};
    put(&merge->by_stack, stack_hash(node), (uint32_t)merge->node_count);
    return (uint32_t)merge->node_count++;
}

static void add_figures(struct mp_heap_node *sum, const struct mp_heap_view *view,
                        const struct mp_heap_node *node)
{
    sum->live = add(sum->live, mp_heap_live(node));
    sum->at_peak = add(sum->at_peak, mp_heap_at_peak(view, node));
    sum->total = add_unsigned(sum->total, node->total);
    sum->blocks = add_unsigned(sum->blocks, node->blocks);
    sum->temporary = add_unsigned(sum->temporary, node->temporary);
    sum->live_blocks = add_blocks(sum->live_blocks, node->live_blocks);
    sum->at_peak_blocks =
        add_blocks(sum->at_peak_blocks, (uint32_t)mp_heap_blocks_at_peak(view, node));
}

static int merge_stacks(struct mp_heap_merge *merge, const struct mp_heap_view *view,
                        const uint32_t *codes, uint32_t *numbers)
{
    for (size_t i = 0; i < view->counts[MP_HEAP_NODES]; i++) {
        struct mp_heap_node node = view->nodes[i];
        if (i) {
            node.parent = numbers[node.parent];
            node.code = codes[node.code];
            numbers[i] = find_stack(merge, &node);
            if (!numbers[i] && !(numbers[i] = new_stack(merge, &node)))
                return -1;
        }
        add_figures(&merge->nodes[numbers[i]], view, &view->nodes[i]);
    }
    return 0;
}

/* The rest. */

static int merge_threads(struct mp_heap_merge *merge, const struct mp_heap_view *view)
{
    size_t count = view->counts[MP_HEAP_THREADS];
    if (mp_array_reserve((void **)&merge->threads, &merge->thread_room,
                         merge->thread_count + count, sizeof *merge->threads))
        return -1;
    for (size_t i = 0; i < count; i++) {
        const struct mp_heap_thread *thread = &view->threads[i];
        struct mp_heap_thread *to = merge->threads;
        if (thread->id)
            to = &merge->threads[merge->thread_count++];
        if (thread->id)
            *to = (struct mp_heap_thread){.id = thread->id};
        to->allocated = add_unsigned(to->allocated, thread->allocated);
        to->freed = add_unsigned(to->freed, thread->freed);
        to->blocks = add_unsigned(to->blocks, thread->blocks);
        to->frees = add_unsigned(to->frees, thread->frees);
        to->temporary = add_unsigned(to->temporary, thread->temporary);
    }
    return 0;
}

/* Samples as changes from one to the next, and the end of them all. */
static int merge_series(struct mp_heap_merge *merge, const struct mp_heap_view *view)
{
    size_t count;
    const struct mp_heap_point *points = mp_heap_points(view, &count);
    int64_t start = view->header->wall_start;
    struct mp_heap_point before = {0};
    if (mp_array_reserve((void **)&merge->changes, &merge->change_room,
                         merge->change_count + count + 1, sizeof *merge->changes))
        return -1;
    struct mp_heap_change *to = &merge->changes[merge->change_count];
    for (size_t i = 0; i < count; i++) {
        struct mp_heap_point now = points[i];
        if (now.time < 0 || now.rss < 0 || now.heap < 0)
            continue;
        *to++ = (struct mp_heap_change){add(start, now.time), now.rss - before.rss,
                                        now.heap - before.heap, true};
        before = now;
    }
    *to++ = (struct mp_heap_change){add(start, view->header->elapsed), -before.rss,
                                    -before.heap, false};
    merge->change_count = (size_t)(to - merge->changes);
    return 0;
}

static void merge_header(struct mp_heap_merge *merge, const struct mp_heap_header *its)
{
    struct mp_heap_header *sum = &merge->header;
    if (!merge->processes++) {
        *sum = *its;
        sum->epoch = EPOCH;
        return;
    }
    int64_t end = add(sum->wall_start, sum->elapsed);
    int64_t its_end = add(its->wall_start, its->elapsed);
    if (its->wall_start < sum->wall_start)
        sum->wall_start = its->wall_start;
    sum->elapsed = subtract(end > its_end ? end : its_end, sum->wall_start);
    sum->live = add(sum->live, its->live);
    sum->peak = add(sum->peak, its->peak);
    sum->untracked = add_unsigned(sum->untracked, its->untracked);
    sum->untracked_bytes = add_unsigned(sum->untracked_bytes, its->untracked_bytes);
    sum->shortened = add_unsigned(sum->shortened, its->shortened);
    if (!sum->series.refused)
        sum->series.refused = its->series.refused;
    sum->followed |= its->followed;
    if (its->sample > sum->sample)
        sum->sample = its->sample;
    sum->clean &= its->clean;
}

int mp_heap_merge_init(struct mp_heap_merge *merge)
{
    *merge = (struct mp_heap_merge){.node_count = 1, .code_count = 1, .thread_count = 1};
    if (new_index(&merge->by_stack, FIRST_ROOM) || new_index(&merge->by_code, FIRST_ROOM))
        return -1;
    if (mp_array_reserve((void **)&merge->nodes, &merge->node_room, 1,
                         sizeof *merge->nodes) ||
        mp_array_reserve((void **)&merge->codes, &merge->code_room, 1,
                         sizeof *merge->codes) ||
        mp_array_reserve((void **)&merge->text, &merge->text_room, 1, 1) ||
        mp_array_reserve((void **)&merge->threads, &merge->thread_room, 1,
                         sizeof *merge->threads))
        return -1;
    merge->nodes[0] = (struct mp_heap_node){.epoch = EPOCH};
    merge->codes[0] = (struct mp_heap_code){0};
    merge->threads[0] = (struct mp_heap_thread){0};
    return 0;
}

void mp_heap_merge_release(struct mp_heap_merge *merge)
{
    free(merge->nodes);
    free(merge->codes);
    free(merge->text);
    free(merge->threads);
    free(merge->changes);
    free(merge->by_stack.slots);
    free(merge->by_code.slots);
    *merge = (struct mp_heap_merge){0};
}

int mp_heap_merge_add(struct mp_heap_merge *merge, const struct mp_heap_view *view)
{
    uint32_t *codes = calloc(view->counts[MP_HEAP_CODES] + 1, sizeof *codes);
    uint32_t *nodes = calloc(view->counts[MP_HEAP_NODES] + 1, sizeof *nodes);
    int failed = !codes || !nodes || merge_codes(merge, view, codes) ||
                 merge_stacks(merge, view, codes, nodes) || merge_threads(merge, view) ||
                 merge_series(merge, view);
    free(codes);
    free(nodes);
    if (failed)
        return -1;
    merge_header(merge, view->header);
    return 0;
}

static int by_time(const void *left, const void *right)
{
    const struct mp_heap_change *a = left, *b = right;
    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    return b->seen - a->seen;
}

/* Of the sums in each of MP_HEAP_POINTS equal stretches, the one with the largest heap. */
static void sum_series(struct mp_heap_merge *merge)
{
    struct mp_heap_header *header = &merge->header;
    struct mp_heap_series *series = &header->series;
    struct mp_heap_point now = {0}, *last = NULL;
    size_t slot = 0;
    series->bank = series->count[0] = 0;
    series->interval = header->elapsed / MP_HEAP_POINTS;
    for (size_t i = 0; i < merge->change_count; i++) {
        const struct mp_heap_change *change = &merge->changes[i];
        now.time = subtract(change->time, header->wall_start);
        now.rss = add(now.rss, change->rss);
        now.heap = add(now.heap, change->heap);
        if (!change->seen || now.time < 0 || now.time > header->elapsed)
            continue;
        double share = header->elapsed > 0 ? (double)now.time / (double)header->elapsed : 0;
        size_t at = share >= 1 ? MP_HEAP_POINTS - 1 : (size_t)(share * MP_HEAP_POINTS);
        if (!last || at != slot)
            *(last = &series->points[0][series->count[0]++]) = now;
        else if (now.heap > last->heap)
            *last = now;
        slot = at;
    }
    for (uint32_t i = 0, most = 0; i < series->count[0]; i++) {
        if (!i || series->points[0][i].heap > series->points[0][most].heap)
            most = i;
        header->peak_time = series->points[0][most].time;
    }
}

struct mp_heap_view mp_heap_merge_view(struct mp_heap_merge *merge)
{
    if (merge->change_count)
        qsort(merge->changes, merge->change_count, sizeof *merge->changes, by_time);
    sum_series(merge);
    return (struct mp_heap_view){.header = &merge->header,
                                 .nodes = merge->nodes,
                                 .codes = merge->codes,
                                 .text = merge->text,
                                 .threads = merge->threads,
                                 .counts = {[MP_HEAP_NODES] = merge->node_count,
                                            [MP_HEAP_CODES] = merge->code_count,
                                            [MP_HEAP_TEXT] = merge->text_size,
                                            [MP_HEAP_THREADS] = merge->thread_count},
                                 .processes = merge->processes};
}
