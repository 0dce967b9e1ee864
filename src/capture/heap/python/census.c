#include "capture/heap/python/census.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "capture/heap/python/counting.h"
#include "capture/heap/python/lines.h"
#include "capture/heap/python/recording.h"
#include "capture/heap/python/session.h"

enum { LONGEST_NAME = 1 << 10 };

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
static int name_types(struct mp_census *census, const struct mp_object_types *known)
{
    static const char *const others[MP_HEAP_TYPES_FIRST] = {
        [MP_HEAP_TYPE_UNKNOWN] = "(no object)",
        [MP_HEAP_TYPE_REUSED] = "(kept by Python for reuse)",
        [MP_HEAP_TYPE_NATIVE] = "(malloc)",
        [MP_HEAP_TYPE_MAPPED] = "(mmap)"};
    size_t all = MP_HEAP_TYPES_FIRST + known->count;
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
            failed = name_type(census, known->types[was - MP_HEAP_TYPES_FIRST].type,
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
    struct mp_counting counting;
    *census = (struct mp_census){0};
    if (mp_hooks_know_blocks())
        return -1;
    bool aside = mp_hooks_set_aside(true);
    if (!mp_counting_init(&counting, part))
        mp_hooks_pause(mp_counting_look, &counting);
    census->rows = counting.rows;
    census->row_count = counting.row_count;
    put_in_order(census);
    if (!counting.failed && name_types(census, &counting.types))
        counting.failed = ENOMEM;
    mp_counting_release(&counting);
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
