#include "capture/heap/python/census.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/mix.h"
#include "base/slots.h"
#include "capture/heap/python/lines.h"
#include "capture/heap/python/objects.h"
#include "capture/heap/python/recording.h"
#include "capture/heap/python/session.h"

enum { LONGEST_NAME = 1 << 10 };

/* While the blocks are looked at nobody changes them. */
struct counting {
    struct mp_census *census;
    struct mp_object_types types;
    struct mp_slots index; /* positions + 1 of rows, by stack and type */
    const struct mp_nest *part;
    const struct mp_ledger *ledger;
    int failed;
};

static bool counts(const struct counting *counting, uint32_t stack)
{
    const struct mp_nest *part = counting->part;
    return !part || mp_nest_has(part, stack);
}

static struct mp_weight weight_of(const struct counting *counting, uintptr_t address,
                                  size_t size)
{
    uint64_t period = counting->ledger->heap->header->sample;
    if (period)
        return mp_sample_weight(period, address, size, 0);
    return (struct mp_weight){.bytes = size, .alive = 1};
}

/* Its row; NULL where there is no memory. */
static struct mp_heap_typed *row_of(struct counting *counting, uint32_t stack,
                                    uint32_t type)
{
    struct mp_census *census = counting->census;
    struct mp_slots_at at;
    for (mp_slots_begin(&at, &counting->index, mp_mix(stack, type));
         mp_slots_next(&at, &counting->index);) {
        struct mp_heap_typed *row = &census->rows[at.number - 1];
        if (row->node == stack && row->type == type)
            return row;
    }
    if (mp_array_reserve((void **)&census->rows, &census->row_room, census->row_count + 1,
                         sizeof *census->rows) ||
        mp_slots_put(&at, &counting->index, (uint32_t)census->row_count + 1)) {
        counting->failed = ENOMEM;
        return NULL;
    }
    struct mp_heap_typed *row = &census->rows[census->row_count++];
    *row = (struct mp_heap_typed){.node = stack, .type = type};
    return row;
}

static uint32_t number_of(const struct counting *counting, const struct mp_object *object)
{
    return MP_HEAP_TYPES_FIRST + (uint32_t)(object->type - counting->types.types);
}

static enum mp_heap_kind kind_of(const struct counting *counting, uint32_t stack)
{
    return mp_heap_kind(&counting->ledger->heap->nodes[stack]);
}

/* What it is, and the object if it is one. */
static uint32_t type_of(const struct counting *counting, uintptr_t address,
                        const struct mp_block *block, struct mp_object *object)
{
    *object = (struct mp_object){0};
    if (kind_of(counting, block->stack) != MP_HEAP_PYTHON)
        return MP_HEAP_TYPE_NATIVE;
    *object = mp_object_at(&counting->types, address, block->size);
    return object->state == MP_OBJECT_LIVE     ? number_of(counting, object)
           : object->state == MP_OBJECT_REUSED ? MP_HEAP_TYPE_REUSED
                                               : MP_HEAP_TYPE_UNKNOWN;
}

/* Whose blocks are looked up. */
struct owner {
    struct counting *counting;
    uint32_t type;
    enum mp_family family;
};

/* From 3.15 on a bytearray has its data in a bytes object, which is nobody else's. */
static bool is_data_of(const struct owner *owner, const struct mp_object *object)
{
    return owner->family == MP_FAMILY_BYTEARRAY && PyBytes_CheckExact(object->object) &&
           Py_REFCNT(object->object) == 1;
}

/* A block that an object keeps is counted by itself as well, before or later: as what it looks like. */
static size_t add_kept(void *context, uintptr_t address)
{
    const struct owner *owner = context;
    struct counting *counting = owner->counting;
    struct mp_block block = mp_shadow_find(&counting->ledger->shadow, address);
    struct mp_object object;
    if (!block.known)
        return 0;
    uint32_t type = type_of(counting, address, &block, &object);
    if (!counts(counting, block.stack) ||
        (object.state == MP_OBJECT_LIVE && !is_data_of(owner, &object)))
        return block.size;
    struct mp_weight weight = weight_of(counting, address, block.size);
    struct mp_heap_typed *row = row_of(counting, block.stack, type);
    if (!row)
        return 0;
    row->blocks -= weight.alive;
    row->bytes -= (int64_t)weight.bytes;
    if ((row = row_of(counting, block.stack, owner->type))) {
        row->kept_blocks += weight.alive;
        row->kept += (int64_t)weight.bytes;
    }
    return block.size;
}

/* Of objects elsewhere too: what they keep may be here. */
static void see(void *context, uintptr_t address, const struct mp_block *block)
{
    struct counting *counting = context;
    struct mp_object object;
    if (counting->failed)
        return;
    uint32_t type = type_of(counting, address, block, &object);
    if (counts(counting, block->stack)) {
        struct mp_weight weight = weight_of(counting, address, block->size);
        struct mp_heap_typed *row = row_of(counting, block->stack, type);
        if (!row)
            return;
        row->blocks += weight.alive;
        row->bytes += (int64_t)weight.bytes;
    }
    if (object.state == MP_OBJECT_LIVE)
        mp_object_each_kept(&object, add_kept,
                            &(struct owner){counting, type, object.type->family});
}

/* Of objects from before, or in blocks from before that Python kept for reuse: no block is known there, but what they
   keep may be. */
static void see_tracked(void *context, const struct mp_object *object)
{
    struct counting *counting = context;
    uintptr_t block = (uintptr_t)object->object - object->type->before;
    if (!counting->failed && !mp_shadow_find(&counting->ledger->shadow, block).known)
        mp_object_each_kept(
            object, add_kept,
            &(struct owner){counting, number_of(counting, object), object->type->family});
}

/* Mappings are no blocks: their stacks know what is there. */
static void add_mappings(struct counting *counting)
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

static void count(void *context)
{
    struct counting *counting = context;
    counting->ledger = &mp_recording.ledger;
    mp_shadow_each_block(&counting->ledger->shadow, see, counting);
    mp_object_each_tracked(&counting->types, see_tracked, counting);
    if (!counting->failed)
        add_mappings(counting);
}

/* Names. */

static int put_text(struct mp_census *census, struct mp_heap_text *text, const char *name)
{
    size_t length = strnlen(name, LONGEST_NAME);
    if (mp_array_reserve((void **)&census->text, &census->text_room,
                         census->text_size + length + 1, 1))
        return -1;
    memcpy(census->text + census->text_size, name, length);
    *text = (struct mp_heap_text){(uint32_t)census->text_size, (uint32_t)length};
    census->text_size += length;
    return 0;
}

/* A str's UTF-8; NULL where it is none, or has none. */
static const char *utf8_of(PyObject *object)
{
    const char *text = object && PyUnicode_Check(object) ? PyUnicode_AsUTF8(object) : NULL;
    PyErr_Clear();
    return text;
}

/* As its repr has it: the module, but for builtins, and the qualified name. A class may lie about both. */
static int name_type(struct mp_census *census, PyTypeObject *type,
                     struct mp_heap_text *text)
{
    char name[LONGEST_NAME];
    const PyHeapTypeObject *heap = (PyHeapTypeObject *)type;
    const char *qualified = NULL, *module = NULL;
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) {
        qualified = utf8_of(heap->ht_qualname);
        module = type->tp_dict ? utf8_of(PyDict_GetItemString(type->tp_dict, "__module__"))
                               : NULL;
    }
    if (!qualified || !module || !strcmp(module, "builtins"))
        return put_text(census, text, qualified ? qualified : type->tp_name);
    snprintf(name, sizeof name, "%s.%s", module, qualified);
    return put_text(census, text, name);
}

/* Those that a row has are numbered anew. */
static int name_types(struct counting *counting)
{
    static const char *const others[MP_HEAP_TYPES_FIRST] = {
        [MP_HEAP_TYPE_UNKNOWN] = "(no object)",
        [MP_HEAP_TYPE_REUSED] = "(kept by Python for reuse)",
        [MP_HEAP_TYPE_NATIVE] = "(malloc)",
        [MP_HEAP_TYPE_MAPPED] = "(mmap)"};
    struct mp_census *census = counting->census;
    size_t all = MP_HEAP_TYPES_FIRST + counting->types.count;
    uint32_t *numbers = calloc(all, sizeof *numbers);
    int failed = !numbers || mp_array_reserve((void **)&census->types, &census->type_room,
                                              all, sizeof *census->types);
    for (uint32_t i = 0; i < MP_HEAP_TYPES_FIRST && !failed; i++) {
        numbers[i] = i;
        failed = put_text(census, &census->types[i].name, others[i]);
    }
    census->type_count = MP_HEAP_TYPES_FIRST;
    for (size_t i = 0; i < census->row_count && !failed; i++) {
        uint32_t *type = &census->rows[i].type, was = *type;
        if (was >= MP_HEAP_TYPES_FIRST && !numbers[was]) {
            numbers[was] = (uint32_t)census->type_count++;
            failed =
                name_type(census, counting->types.types[was - MP_HEAP_TYPES_FIRST].type,
                          &census->types[numbers[was]].name);
        }
        *type = numbers[was];
    }
    free(numbers);
    return failed;
}

static int64_t size_of(const struct mp_heap_typed *row)
{
    return row->bytes + row->kept;
}

static int largest_first(const void *left, const void *right)
{
    const struct mp_heap_typed *a = left, *b = right;
    int64_t x = size_of(a), y = size_of(b);
    if (x != y)
        return x < y ? 1 : -1;
    if (a->node != b->node)
        return a->node < b->node ? -1 : 1;
    return (a->type > b->type) - (a->type < b->type);
}

/* Rows of which other rows have all are none. Where two objects say that a block is theirs, as none of
   Python's does, it is each one's. */
static void put_in_order(struct mp_census *census)
{
    size_t count = 0;
    for (size_t i = 0; i < census->row_count; i++) {
        struct mp_heap_typed row = census->rows[i];
        row.blocks = row.blocks > 0 ? row.blocks : 0;
        row.bytes = row.bytes > 0 ? row.bytes : 0;
        if (row.blocks || row.bytes || row.kept_blocks || row.kept)
            census->rows[count++] = row;
    }
    census->row_count = count;
    if (count)
        qsort(census->rows, count, sizeof *census->rows, largest_first);
}

uint64_t mp_census_blocks(void)
{
    uint64_t blocks = 0;
    const struct mp_heap *heap = mp_hooks_are_open() ? mp_recording.heap : NULL;
    for (size_t i = 0; heap && i < heap->header->counts[MP_HEAP_NODES]; i++)
        blocks += heap->nodes[i].live_blocks;
    return blocks;
}

int mp_census_take(struct mp_census *census, const struct mp_nest *part)
{
    struct counting counting = {.census = census, .part = part};
    *census = (struct mp_census){0};
    if (mp_hooks_know_blocks())
        return -1;
    bool aside = mp_hooks_set_aside(true);
    if (mp_slots_init(&counting.index, 0) || mp_object_types_init(&counting.types))
        counting.failed = ENOMEM;
    else
        mp_hooks_pause(count, &counting);
    put_in_order(census);
    if (!counting.failed && name_types(&counting))
        counting.failed = ENOMEM;
    mp_object_types_release(&counting.types);
    mp_slots_release(&counting.index);
    mp_hooks_set_aside(aside);
    errno = counting.failed;
    return counting.failed ? -1 : 0;
}

void mp_census_release(struct mp_census *census)
{
    free(census->types);
    free(census->rows);
    free(census->text);
    *census = (struct mp_census){0};
}

/* What is behind the rows that a file has room for, of each type as one row. */
static size_t sum_rest(struct mp_census *census, size_t most)
{
    struct mp_heap_typed *sums = calloc(census->type_count + 1, sizeof *sums);
    size_t count = most;
    if (!sums)
        return 0;
    for (size_t i = most; i < census->row_count; i++) {
        const struct mp_heap_typed *row = &census->rows[i];
        struct mp_heap_typed *sum = &sums[row->type];
        sum->type = row->type;
        sum->blocks += row->blocks;
        sum->bytes += row->bytes;
        sum->kept_blocks += row->kept_blocks;
        sum->kept += row->kept;
    }
    for (size_t i = 0; i < census->type_count && count < census->row_count; i++)
        if (sums[i].blocks || sums[i].bytes || sums[i].kept_blocks || sums[i].kept)
            census->rows[count++] = sums[i];
    free(sums);
    return count;
}

void mp_census_shorten(struct mp_census *census, size_t most)
{
    if (census->row_count > most)
        census->row_count = sum_rest(census, most);
}
