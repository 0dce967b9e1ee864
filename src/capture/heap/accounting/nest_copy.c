/* An inner recording as a capture of its own: its nodes with what they hold, and the codes and texts
 * that they use. The border becomes the root.
 */
#include "capture/heap/accounting/nest.h"

#include <stdlib.h>

enum { EPOCH = 1 /* of all: `at_peak` always holds */, TEXTS = 1 << 10 };

struct copying {
    const struct mp_nest *nest;
    const struct mp_heap *from;
    struct mp_heap *to;
    uint32_t *nodes, *codes; /* their numbers in the copy; codes: 0, not copied yet */
    uint32_t code_count;
    struct {
        struct mp_heap_text from, to;
    } texts[TEXTS]; /* lately copied: a file's name is that of many codes */
};

/* An empty one says by its offset what it is of. */
static struct mp_heap_text copy_text(struct copying *copying, struct mp_heap_text text)
{
    size_t slot = text.offset % TEXTS;
    struct mp_heap_text *from = &copying->texts[slot].from, *to = &copying->texts[slot].to;
    if (!text.offset && !text.length)
        return text;
    if (from->offset == text.offset && from->length == text.length)
        return *to;
    uint64_t *count = &copying->to->header->counts[MP_HEAP_TEXT];
    *from = text;
    *to = (struct mp_heap_text){(uint32_t)*count, text.length};
    memcpy(copying->to->text + *count, copying->from->text + text.offset, text.length);
    __atomic_store_n(count, *count + text.length, __ATOMIC_RELEASE);
    return *to;
}

/* The number of a code in the copy; -1: there is no room. */
static int64_t copy_code(struct copying *copying, uint32_t number)
{
    const struct mp_heap_code *code = &copying->from->codes[number];
    struct mp_heap *to = copying->to;
    if (number >= copying->code_count)
        return 0;
    if (!number || copying->codes[number])
        return copying->codes[number];
    size_t text = (size_t)code->name.length + code->file.length + code->lines.length;
    if (mp_heap_reserve(to, MP_HEAP_CODES, 1, MP_HEAP_FOR_LINES) ||
        mp_heap_reserve(to, MP_HEAP_TEXT, text, MP_HEAP_FOR_LINES))
        return -1;
    uint64_t id = to->header->counts[MP_HEAP_CODES];
    to->codes[id] = *code;
    to->codes[id].name = copy_text(copying, code->name);
    to->codes[id].file = copy_text(copying, code->file);
    to->codes[id].lines = copy_text(copying, code->lines);
    __atomic_store_n(&to->header->counts[MP_HEAP_CODES], id + 1, __ATOMIC_RELEASE);
    return copying->codes[number] = (uint32_t)id;
}

/* What the node `number` holds goes to the copy's node `id`, which may have something. */
static void add_counters(const struct copying *copying, uint32_t number, uint32_t id)
{
    const struct mp_heap_node *node = &copying->from->nodes[number];
    const struct mp_nest_peak *peak = &copying->nest->peaks[number - copying->nest->first];
    bool saved = peak->epoch == copying->nest->epoch;
    struct mp_heap_node *to = &copying->to->nodes[id];
    to->epoch = EPOCH;
    to->live += node->live;
    to->at_peak += saved ? peak->at_peak : node->live;
    to->live_blocks += node->live_blocks;
    to->at_peak_blocks += saved ? peak->at_peak_blocks : node->live_blocks;
    to->total += node->total;
    to->blocks += node->blocks;
    to->temporary += node->temporary;
}

/* All of it came from one row of totals, as far as can be told. */
static void add_totals(const struct copying *copying, const struct mp_heap_node *node)
{
    struct mp_heap_thread *totals = &copying->to->threads[0];
    totals->allocated += node->total;
    totals->freed += node->total - (uint64_t)node->live;
    totals->blocks += node->blocks;
    totals->temporary += node->temporary;
    if (node->blocks > node->live_blocks) /* else they are estimates */
        totals->frees += node->blocks - node->live_blocks;
}

static void copy_node(struct copying *copying, uint32_t number)
{
    uint32_t first = copying->nest->first, *ids = copying->nodes;
    const struct mp_heap_node *node = &copying->from->nodes[number];
    struct mp_heap *to = copying->to;
    uint32_t parent = node->parent < first ? 0 : ids[node->parent - first];
    uint32_t *id = &ids[number - first];
    *id = parent;
    if (!mp_nest_counts(copying->nest, number))
        return;
    add_totals(copying, node);
    int64_t code = number == first ? 0 : copy_code(copying, node->code);
    if (number != first && code >= 0 &&
        !mp_heap_reserve(to, MP_HEAP_NODES, 1, MP_HEAP_FOR_LINES)) {
        *id = (uint32_t)to->header->counts[MP_HEAP_NODES];
        to->nodes[*id].parent = parent;
        to->nodes[*id].code = (uint32_t)code;
        to->nodes[*id].instruction = node->instruction;
    } else if (number != first) {
        to->header->shortened += node->blocks;
    }
    add_counters(copying, number, *id);
    if (*id == to->header->counts[MP_HEAP_NODES])
        __atomic_store_n(&to->header->counts[MP_HEAP_NODES], *id + 1, __ATOMIC_RELEASE);
}

static void copy_header(const struct copying *copying)
{
    const struct mp_nest *nest = copying->nest;
    const struct mp_heap_header *from = copying->from->header;
    struct mp_heap_header *to = copying->to->header;
    uint32_t refused = to->series.refused;
    to->followed = nest->python ? 1 << MP_HEAP_PYTHON : from->followed;
    to->sample = from->sample;
    to->wall_start = nest->wall_start;
    to->elapsed = nest->elapsed;
    to->epoch = EPOCH;
    to->live = nest->live;
    to->peak = nest->peak;
    to->peak_time = nest->peak_time;
    to->untracked = from->untracked - nest->untracked;
    to->untracked_bytes = from->untracked_bytes - nest->untracked_bytes;
    to->shortened = from->shortened - nest->shortened;
    to->misplaced = from->misplaced - nest->misplaced;
    to->series = nest->series;
    to->series.refused = refused;
}

/* Once, and never more than is mapped: whoever may write to the file may change it meanwhile. */
static uint32_t count_of(const struct mp_heap *heap, enum mp_heap_table table)
{
    uint64_t count = __atomic_load_n(&heap->header->counts[table], __ATOMIC_RELAXED);
    return (uint32_t)(count < heap->room[table] ? count : heap->room[table]);
}

int mp_nest_copy(const struct mp_nest *nest, struct mp_heap *to, uint32_t **numbers)
{
    uint32_t count = count_of(nest->heap, MP_HEAP_NODES);
    uint32_t codes = count_of(nest->heap, MP_HEAP_CODES);
    struct copying *copying = calloc(1, sizeof *copying);
    int failed = -1;
    if (nest->heap->is_cut || count <= nest->first) {
        free(copying);
        to->is_cut = true; /* as empty as it is */
        return 0;
    }
    if (!copying)
        return failed;
    *copying =
        (struct copying){.nest = nest,
                         .from = nest->heap,
                         .to = to,
                         .nodes = calloc(count - nest->first, sizeof *copying->nodes),
                         .codes = calloc(codes + 1, sizeof(uint32_t)),
                         .code_count = codes};
    if (copying->nodes && copying->codes) {
        copy_header(copying);
        for (uint32_t number = nest->first; number < count; number++)
            copy_node(copying, number);
        failed = 0;
    }
    if (!failed && numbers)
        *numbers = copying->nodes;
    else
        free(copying->nodes);
    free(copying->codes);
    free(copying);
    return failed;
}
