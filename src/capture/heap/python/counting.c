#include "capture/heap/python/counting.h"

#include <errno.h>

#include "base/array.h"
#include "capture/heap/python/recording.h"

static bool counts(const struct mp_counting *counting, uint32_t stack)
{
    const struct mp_nest *part = counting->part;
    return !part || mp_nest_has(part, stack);
}

static struct mp_weight weight_of(const struct mp_counting *counting,
                                  const struct mp_counting_seen *seen)
{
    if (counting->period)
        return mp_sample_weight(counting->period, seen->address, seen->size, 0);
    return (struct mp_weight){.bytes = seen->size, .alive = 1};
}

/* Of numbers of this process's own: nobody chooses them. */
static uint64_t hash_of(uint32_t stack, uint32_t type)
{
    return ((uint64_t)stack << 32 | type) * 0x9E3779B97F4A7C15u;
}

/* NULL where there is no memory. */
static struct mp_heap_typed *new_row(struct mp_counting *counting,
                                     const struct mp_slots_at *at, uint32_t stack,
                                     uint32_t type)
{
    if (mp_array_reserve((void **)&counting->rows, &counting->row_room,
                         counting->row_count + 1, sizeof *counting->rows) ||
        mp_slots_put(at, &counting->index, (uint32_t)counting->row_count + 1)) {
        counting->failed = ENOMEM;
        return NULL;
    }
    struct mp_heap_typed *row = &counting->rows[counting->row_count++];
    *row = (struct mp_heap_typed){.node = stack, .type = type};
    return row;
}

static inline struct mp_heap_typed *row_of(struct mp_counting *counting, uint32_t stack,
                                           uint32_t type)
{
    struct mp_slots_at at;
    for (mp_slots_begin(&at, &counting->index, hash_of(stack, type));
         mp_slots_next(&at, &counting->index);) {
        struct mp_heap_typed *row = &counting->rows[at.number - 1];
        if (row->node == stack && row->type == type)
            return row;
    }
    return new_row(counting, &at, stack, type);
}

static inline uint32_t type_of(const struct mp_counting *counting,
                               const struct mp_counting_seen *seen)
{
    const struct mp_heap_node *node = &counting->ledger->heap->nodes[seen->stack];
    if (mp_heap_kind(node) != MP_HEAP_PYTHON)
        return MP_HEAP_TYPE_NATIVE;
    struct mp_object object = mp_object_at(&counting->types, seen->address, seen->size);
    if (object.state == MP_OBJECT_LIVE)
        return MP_HEAP_TYPES_FIRST + (uint32_t)(object.type - counting->types.types);
    return object.state == MP_OBJECT_REUSED ? MP_HEAP_TYPE_REUSED : MP_HEAP_TYPE_UNKNOWN;
}

static inline void find_types(const struct mp_counting *counting,
                              struct mp_counting_some *some)
{
    for (size_t i = 0; i < some->count; i++) {
        struct mp_counting_seen *seen = &some->seen[i];
        seen->type = type_of(counting, seen);
        mp_slots_fetch(&counting->index, hash_of(seen->stack, seen->type));
    }
}

/* Whether it is full. */
static inline bool put(struct mp_counting_some *some, uintptr_t address,
                       const struct mp_block *block, uint32_t owner)
{
    struct mp_counting_seen *seen = &some->seen[some->count++];
    __builtin_prefetch((const char *)address + sizeof(PyObject) - 1);
    seen->address = address;
    seen->size = block->size;
    seen->stack = block->stack;
    seen->owner = owner;
    return some->count == MP_COUNTING_AT_A_TIME;
}

/* The object of a type that begins in a block. */
static struct mp_object object_of(const struct mp_counting *counting,
                                  const struct mp_counting_seen *seen)
{
    const struct mp_object_type *type =
        &counting->types.types[seen->type - MP_HEAP_TYPES_FIRST];
    return (struct mp_object){MP_OBJECT_LIVE, type,
                              (PyObject *)(seen->address + type->before)};
}

static bool is_object(const struct mp_counting_seen *seen)
{
    return seen->type >= MP_HEAP_TYPES_FIRST;
}

/* From 3.15 on a bytearray has its data in a bytes object, which is nobody else's. */
static bool is_data(const struct mp_counting *counting, const struct mp_counting_seen *seen)
{
    struct mp_object object = object_of(counting, seen);
    size_t owner = seen->owner - MP_HEAP_TYPES_FIRST;
    return counting->types.types[owner].family == MP_FAMILY_BYTEARRAY &&
           PyBytes_CheckExact(object.object) && Py_REFCNT(object.object) == 1;
}

static void add_kept(struct mp_counting *counting, const struct mp_counting_seen *seen)
{
    if (!counts(counting, seen->stack) || (is_object(seen) && !is_data(counting, seen)))
        return;
    struct mp_weight weight = weight_of(counting, seen);
    struct mp_heap_typed *row = row_of(counting, seen->stack, seen->type);
    if (!row)
        return;
    row->blocks -= weight.alive;
    row->bytes -= (int64_t)weight.bytes;
    if ((row = row_of(counting, seen->stack, seen->owner))) {
        row->kept_blocks += weight.alive;
        row->kept += (int64_t)weight.bytes;
    }
}

static void look_at_kept(struct mp_counting *counting)
{
    struct mp_counting_some *kept = &counting->kept;
    find_types(counting, kept);
    for (size_t i = 0; i < kept->count && !counting->failed; i++)
        add_kept(counting, &kept->seen[i]);
    kept->count = 0;
}

struct owner {
    struct mp_counting *counting;
    uint32_t type;
};

/* A block that an object keeps is counted by itself as well, before or later: as what it looks like. */
static size_t see_kept(void *context, uintptr_t address)
{
    const struct owner *owner = context;
    struct mp_counting *counting = owner->counting;
    struct mp_block block = mp_shadow_find(&counting->ledger->shadow, address);
    if (block.known && put(&counting->kept, address, &block, owner->type))
        look_at_kept(counting);
    return block.known ? block.size : 0;
}

static inline void tell_kept(struct mp_counting *counting, const struct mp_object *object,
                             uint32_t type)
{
    if (mp_object_may_keep(object))
        mp_object_each_kept(object, see_kept, &(struct owner){counting, type});
}

static inline void add_block(struct mp_counting *counting,
                             const struct mp_counting_seen *seen)
{
    struct mp_weight weight = weight_of(counting, seen);
    struct mp_heap_typed *row = row_of(counting, seen->stack, seen->type);
    if (!row)
        return;
    row->blocks += weight.alive;
    row->bytes += (int64_t)weight.bytes;
}

/* What objects elsewhere keep may be here. */
static inline void look_at_block(struct mp_counting *counting,
                                 const struct mp_counting_seen *seen)
{
    if (counts(counting, seen->stack))
        add_block(counting, seen);
    if (is_object(seen)) {
        struct mp_object object = object_of(counting, seen);
        tell_kept(counting, &object, seen->type);
    }
}

static void look_at_blocks(struct mp_counting *counting)
{
    struct mp_counting_some *blocks = &counting->blocks;
    find_types(counting, blocks);
    for (size_t i = 0; i < blocks->count && !counting->failed; i++)
        look_at_block(counting, &blocks->seen[i]);
    blocks->count = 0;
}

static void see_block(void *context, uintptr_t address, const struct mp_block *block)
{
    struct mp_counting *counting = context;
    if (put(&counting->blocks, address, block, 0))
        look_at_blocks(counting);
}

/* Of objects from before, or in blocks from before that Python kept for reuse: no block is known there, but what they
   keep may be. */
static void see_tracked(void *context, const struct mp_object *object)
{
    struct mp_counting *counting = context;
    uintptr_t block = (uintptr_t)object->object - object->type->before;
    uint32_t position = (uint32_t)(object->type - counting->types.types);
    if (!counting->failed && !mp_shadow_find(&counting->ledger->shadow, block).known)
        tell_kept(counting, object, MP_HEAP_TYPES_FIRST + position);
}

/* Mappings are no blocks: their stacks know what is there. */
static void add_mappings(struct mp_counting *counting)
{
    const struct mp_heap *heap = counting->ledger->heap;
    for (uint32_t i = 0; i < heap->header->counts[MP_HEAP_NODES] && !counting->failed;
         i++) {
        const struct mp_heap_node *node = &heap->nodes[i];
        if (mp_heap_kind(node) < MP_HEAP_MMAP || !node->live || !counts(counting, i))
            continue;
        struct mp_heap_typed *row = row_of(counting, i, MP_HEAP_TYPE_MAPPED);
        if (row)
            row->bytes += node->live;
    }
}

void mp_counting_look(void *context)
{
    struct mp_counting *counting = context;
    counting->ledger = &mp_recording.ledger;
    counting->period = counting->ledger->heap->header->sample;
    mp_shadow_each_block(&counting->ledger->shadow, see_block, counting);
    look_at_blocks(counting);
    mp_object_each_tracked(&counting->types, see_tracked, counting);
    look_at_kept(counting);
    if (!counting->failed)
        add_mappings(counting);
}

int mp_counting_init(struct mp_counting *counting, const struct mp_nest *part)
{
    *counting = (struct mp_counting){.part = part};
    if (!mp_slots_init(&counting->index, 512) && !mp_object_types_init(&counting->types))
        return 0;
    counting->failed = ENOMEM;
    return -1;
}

void mp_counting_release(struct mp_counting *counting)
{
    mp_object_types_release(&counting->types);
    mp_slots_release(&counting->index);
}
