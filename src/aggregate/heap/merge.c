#include "aggregate/heap/merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/heap/series.h"
#include "base/array.h"
#include "base/mix.h"
#include "base/saturate.h"

enum { FIRST_ROOM = 1024, EPOCH = 1 /* of all: `at_peak` always holds */ };

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

/* What is added, and where its names are by now: many codes share one. */
struct adding {
    const struct mp_heap_view *view;
    struct moved {
        struct mp_heap_text from, to;
    } * names; /* of no length: empty */
    size_t mask;
};

static int begin(struct adding *adding, const struct mp_heap_view *view)
{
    size_t room = 16;
    while (room < view->counts[MP_HEAP_CODES] * 4)
        room *= 2;
    *adding = (struct adding){view, calloc(room, sizeof *adding->names), room - 1};
    return adding->names ? 0 : -1;
}

static struct moved *moved_of(const struct adding *adding, struct mp_heap_text from)
{
    size_t at = (size_t)mp_mix(from.offset, from.length) & adding->mask;
    while (adding->names[at].from.length && (adding->names[at].from.offset != from.offset ||
                                             adding->names[at].from.length != from.length))
        at = (at + 1) & adding->mask;
    return &adding->names[at];
}

/* Of what it is: the hash that the file has of it may be any. */
static uint32_t hash_of(const char *text, const struct mp_heap_code *code)
{
    uint64_t name = mp_mix_bytes(text + code->name.offset, code->name.length);
    uint64_t file = mp_mix_bytes(text + code->file.offset, code->file.length);
    uint64_t lines = mp_mix_bytes(text + code->lines.offset, code->lines.length);
    return (
        uint32_t)(mp_mix(mp_mix(name, file), mp_mix(lines, (uint32_t)code->first_line)));
}

static uint64_t code_hash(const struct mp_heap_code *code)
{
    return (uint64_t)code->hash << 32;
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
        if (there->hash == code->hash && there->first_line == code->first_line &&
            same_text(merge, there->name, view, code->name) &&
            same_text(merge, there->file, view, code->file) &&
            same_text(merge, there->lines, view, code->lines))
            break;
    }
    return index->slots[at];
}

static int copy_text(struct mp_heap_merge *merge, const struct adding *adding,
                     struct mp_heap_text *text)
{
    size_t offset = merge->text_size, size = offset + text->length;
    if (!text->length)
        return 0; /* where it is says what it is of */
    if (size > UINT32_MAX) {
        errno = ENOMEM;
        return -1;
    }
    if (mp_array_reserve((void **)&merge->text, &merge->text_room, size + 1, 1))
        return -1;
    memcpy(merge->text + offset, adding->view->text + text->offset, text->length);
    text->offset = (uint32_t)offset;
    merge->text_size = size;
    return 0;
}

static int copy_name(struct mp_heap_merge *merge, const struct adding *adding,
                     struct mp_heap_text *text)
{
    struct moved *moved = moved_of(adding, *text), now = {*text, *text};
    if (text->length && !moved->from.length) {
        if (copy_text(merge, adding, &now.to))
            return -1;
        *moved = now;
    }
    if (text->length)
        *text = moved->to;
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
static uint32_t merge_code(struct mp_heap_merge *merge, const struct adding *adding,
                           struct mp_heap_code code)
{
    code.hash = hash_of(adding->view->text, &code);
    uint32_t found = find_code(merge, adding->view, &code);
    if (found)
        return found;
    if (grow_codes(merge) || copy_name(merge, adding, &code.name) ||
        copy_name(merge, adding, &code.file) || copy_text(merge, adding, &code.lines))
        return 0;
    merge->codes[merge->code_count] = code;
    put(&merge->by_code, code_hash(&code), (uint32_t)merge->code_count);
    return (uint32_t)merge->code_count++;
}

static int merge_codes(struct mp_heap_merge *merge, const struct mp_heap_view *view,
                       uint32_t *numbers)
{
    struct adding adding;
    int failed = begin(&adding, view);
    for (size_t i = 1; i < view->counts[MP_HEAP_CODES] && !failed; i++)
        failed = !(numbers[i] = merge_code(merge, &adding, view->codes[i]));
    free(adding.names);
    return failed ? -1 : 0;
}

/* Stacks. */

static uint64_t stack_hash(const struct mp_heap_node *node)
{
    return mp_mix(mp_mix(node->parent, node->code), node->instruction);
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
    sum->live = mp_sum(sum->live, mp_heap_live(node));
    sum->at_peak = mp_sum(sum->at_peak, mp_heap_at_peak(view, node));
    sum->total = mp_sum_unsigned(sum->total, node->total);
    sum->blocks = mp_sum_unsigned(sum->blocks, node->blocks);
    sum->temporary = mp_sum_unsigned(sum->temporary, node->temporary);
    sum->live_blocks = mp_sum_short(sum->live_blocks, node->live_blocks);
    sum->at_peak_blocks =
        mp_sum_short(sum->at_peak_blocks, (uint32_t)mp_heap_blocks_at_peak(view, node));
}

static void add_growth(struct mp_heap_delta *sum, const struct mp_heap_delta *its)
{
    sum->bytes = mp_sum(sum->bytes, its->bytes);
    sum->blocks = mp_sum(sum->blocks, its->blocks);
}

/* All processes have it, or none. */
static int grow_growth(struct mp_heap_merge *merge)
{
    return mp_array_reserve((void **)&merge->growth, &merge->growth_room,
                            merge->node_count + 1, sizeof *merge->growth);
}

/* `tag`: its instruction where it is a tag's border, else 0. */
static uint32_t number_stack(struct mp_heap_merge *merge, struct mp_heap_node *node,
                             uint32_t tag)
{
    if (tag)
        node->instruction = tag;
    uint32_t number = find_stack(merge, node);
    if (number || !(number = new_stack(merge, node)))
        return number;
    return tag && mp_heap_merge_tag_border(merge, tag, number) ? 0 : number;
}

static int merge_stacks(struct mp_heap_merge *merge, const struct mp_heap_view *view,
                        const uint32_t *codes, const uint32_t *tags, uint32_t *numbers)
{
    for (size_t i = 0; i < view->counts[MP_HEAP_NODES]; i++) {
        struct mp_heap_node node = view->nodes[i];
        if (i) {
            node.parent = numbers[node.parent];
            node.code = codes[node.code];
            if (!(numbers[i] = number_stack(merge, &node, tags ? tags[i] : 0)))
                return -1;
        }
        if (view->growth && grow_growth(merge))
            return -1;
        if (merge->keeps_shares &&
            mp_heap_merge_keep_share(merge, numbers[i],
                                     mp_heap_at_peak(view, &view->nodes[i])))
            return -1;
        add_figures(&merge->nodes[numbers[i]], view, &view->nodes[i]);
        if (view->growth)
            add_growth(&merge->growth[numbers[i]], &view->growth[i]);
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
        to->allocated = mp_sum_unsigned(to->allocated, thread->allocated);
        to->freed = mp_sum_unsigned(to->freed, thread->freed);
        to->blocks = mp_sum_unsigned(to->blocks, thread->blocks);
        to->frees = mp_sum_unsigned(to->frees, thread->frees);
        to->temporary = mp_sum_unsigned(to->temporary, thread->temporary);
    }
    return 0;
}

static void merge_header(struct mp_heap_merge *merge, const struct mp_heap_header *its)
{
    struct mp_heap_header *sum = &merge->header;
    merge->longest = its->elapsed > merge->longest ? its->elapsed : merge->longest;
    merge->several_clocks |= merge->processes && mp_heap_has_other_clock(sum, its);
    if (!merge->processes++) {
        *sum = *its;
        sum->epoch = EPOCH;
        return;
    }
    int64_t end = mp_sum(sum->wall_start, sum->elapsed);
    int64_t its_end = mp_sum(its->wall_start, its->elapsed);
    if (its->wall_start < sum->wall_start)
        sum->wall_start = its->wall_start;
    sum->elapsed = mp_difference(end > its_end ? end : its_end, sum->wall_start);
    sum->live = mp_sum(sum->live, its->live);
    sum->peak = mp_sum(sum->peak, its->peak);
    sum->untracked = mp_sum_unsigned(sum->untracked, its->untracked);
    sum->untracked_bytes = mp_sum_unsigned(sum->untracked_bytes, its->untracked_bytes);
    sum->shortened = mp_sum_unsigned(sum->shortened, its->shortened);
    sum->misplaced = mp_sum_unsigned(sum->misplaced, its->misplaced);
    if (its->most > sum->most)
        sum->most = its->most;
    if (!*sum->identity.clock)
        memcpy(sum->identity.clock, its->identity.clock, sizeof sum->identity.clock);
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
    free(merge->growth);
    free(merge->codes);
    free(merge->text);
    free(merge->threads);
    free(merge->changes);
    free(merge->lives);
    free(merge->shares);
    free(merge->words);
    free(merge->tags);
    free(merge->by_stack.slots);
    free(merge->by_code.slots);
    mp_heap_merge_types_release(&merge->types);
    *merge = (struct mp_heap_merge){0};
}

int mp_heap_merge_add(struct mp_heap_merge *merge, const struct mp_heap_view *view)
{
    uint32_t *codes = calloc(view->counts[MP_HEAP_CODES] + 1, sizeof *codes);
    uint32_t *nodes = calloc(view->counts[MP_HEAP_NODES] + 1, sizeof *nodes);
    uint32_t *tags = NULL;
    int failed = !codes || !nodes || merge_codes(merge, view, codes) ||
                 mp_heap_merge_tags(merge, view, &tags) ||
                 merge_stacks(merge, view, codes, tags, nodes) ||
                 merge_threads(merge, view) || mp_heap_merge_series_add(merge, view) ||
                 mp_heap_merge_types_add(&merge->types, view, nodes, &merge->text,
                                         &merge->text_size, &merge->text_room);
    free(tags);
    free(codes);
    free(nodes);
    if (failed)
        return -1;
    merge_header(merge, view->header);
    return 0;
}

struct mp_heap_view mp_heap_merge_view(struct mp_heap_merge *merge)
{
    if (merge->several_clocks)
        merge->header.elapsed = merge->longest;
    mp_heap_merge_series_sum(merge);
    struct mp_heap_view view = {.header = &merge->header,
                                .nodes = merge->nodes,
                                .codes = merge->codes,
                                .text = merge->text,
                                .threads = merge->threads,
                                .types = merge->types.types,
                                .typed = merge->types.rows,
                                .untyped = merge->types.without,
                                .typed_at = merge->types.at,
                                .tags = merge->tags,
                                .counts = {[MP_HEAP_NODES] = merge->node_count,
                                           [MP_HEAP_CODES] = merge->code_count,
                                           [MP_HEAP_TEXT] = merge->text_size,
                                           [MP_HEAP_THREADS] = merge->thread_count,
                                           [MP_HEAP_TYPES] = merge->types.type_count,
                                           [MP_HEAP_TYPED] = merge->types.row_count,
                                           [MP_HEAP_TAGS] = merge->tag_count},
                                .processes = merge->processes,
                                .several_clocks = merge->several_clocks,
                                .together = merge->together,
                                .growth = merge->growth};
    const struct mp_heap_point *most = mp_heap_marks(&view).peak;
    if (most || merge->several_clocks)
        merge->header.peak_time = most ? most->time : 0;
    return view;
}
