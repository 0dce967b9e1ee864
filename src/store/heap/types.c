#include "store/heap/types.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mix.h"
#include "base/slots.h"

static bool is_named(const struct mp_heap *heap, uint32_t number, const char *name,
                     size_t length)
{
    struct mp_heap_text its = heap->types[number].name;
    return its.length == length && !memcmp(heap->text + its.offset, name, length);
}

/* Finds one of this name. Returns whether there is: else a new one goes there. */
static bool find(const struct mp_heap *heap, const struct mp_slots *slots,
                 struct mp_slots_at *at, const char *name, size_t length)
{
    for (mp_slots_begin(at, slots, mp_mix_bytes(name, length)); mp_slots_next(at, slots);)
        if (is_named(heap, at->number - 1, name, length))
            return true;
    return false;
}

static int index_types(const struct mp_heap *heap, struct mp_slots *slots)
{
    struct mp_slots_at at;
    for (uint32_t i = MP_HEAP_TYPES_FIRST; i < heap->header->counts[MP_HEAP_TYPES]; i++) {
        struct mp_heap_text name = heap->types[i].name;
        if (!find(heap, slots, &at, heap->text + name.offset, name.length) &&
            mp_slots_put(&at, slots, i + 1))
            return -1;
    }
    return 0;
}

/* A text is there before the type, and that before its number. */
static int append(struct mp_heap *heap, const char *name, size_t length,
                  enum mp_heap_for share)
{
    uint64_t *counts = heap->header->counts;
    if (mp_heap_reserve(heap, MP_HEAP_TEXT, length, share) ||
        mp_heap_reserve(heap, MP_HEAP_TYPES, 1, share))
        return -1;
    uint32_t at = (uint32_t)counts[MP_HEAP_TEXT];
    memcpy(heap->text + at, name, length);
    __atomic_store_n(&counts[MP_HEAP_TEXT], at + length, __ATOMIC_RELEASE);
    heap->types[counts[MP_HEAP_TYPES]].name = (struct mp_heap_text){at, (uint32_t)length};
    __atomic_store_n(&counts[MP_HEAP_TYPES], counts[MP_HEAP_TYPES] + 1, __ATOMIC_RELEASE);
    return 0;
}

static int number_all(struct mp_heap *heap, const struct mp_heap_counted *counted,
                      enum mp_heap_for share, struct mp_slots *slots, uint32_t *numbers)
{
    const uint64_t *counts = heap->header->counts;
    for (uint32_t i = 0; i < counted->type_count; i++) {
        const char *name = counted->text + counted->types[i].name.offset;
        size_t length = counted->types[i].name.length;
        struct mp_slots_at at;
        bool is_class = i >= MP_HEAP_TYPES_FIRST;
        if (!is_class && i < counts[MP_HEAP_TYPES]) {
            numbers[i] = i;
        } else if (is_class && find(heap, slots, &at, name, length)) {
            numbers[i] = at.number - 1;
        } else {
            numbers[i] = (uint32_t)counts[MP_HEAP_TYPES];
            if (append(heap, name, length, share) ||
                (is_class && mp_slots_put(&at, slots, numbers[i] + 1)))
                return -1;
        }
    }
    return 0;
}

uint32_t *mp_heap_number_types(struct mp_heap *heap, const struct mp_heap_counted *counted,
                               enum mp_heap_for share)
{
    struct mp_slots slots;
    uint32_t *numbers = calloc(counted->type_count + 1, sizeof *numbers);
    int failed = mp_slots_init(&slots, 0) || !numbers || index_types(heap, &slots) ||
                 number_all(heap, counted, share, &slots, numbers);
    int kept = errno;
    mp_slots_release(&slots);
    if (failed) {
        free(numbers);
        numbers = NULL;
    }
    errno = kept;
    return numbers;
}

int mp_heap_keep_types(struct mp_heap *heap, const struct mp_heap_counted *counted)
{
    uint64_t *counts = heap->header->counts;
    if (counts[MP_HEAP_TYPED]) {
        errno = EEXIST;
        return -1;
    }
    if (mp_heap_reserve(heap, MP_HEAP_TYPED, counted->row_count, MP_HEAP_FOR_LINES))
        return -1;
    uint32_t *numbers = mp_heap_number_types(heap, counted, MP_HEAP_FOR_LINES);
    for (size_t i = 0; numbers && i < counted->row_count; i++) {
        heap->typed[i] = counted->rows[i];
        heap->typed[i].type = numbers[counted->rows[i].type];
    }
    if (numbers)
        __atomic_store_n(&counts[MP_HEAP_TYPED], counted->row_count, __ATOMIC_RELEASE);
    bool known = numbers != NULL;
    free(numbers);
    return known ? 0 : -1;
}

const char *mp_heap_typed_check(const struct mp_heap_view *view,
                                const struct mp_heap_typed *row)
{
    if (row->node >= view->counts[MP_HEAP_NODES])
        return "its stack is not in the file";
    if (row->type >= view->counts[MP_HEAP_TYPES])
        return "its type is not in the file";
    bool negative =
        row->blocks < 0 || row->bytes < 0 || row->kept_blocks < 0 || row->kept < 0;
    return negative ? "a type has less than nothing" : NULL;
}

const char *mp_heap_types_check(const struct mp_heap_view *view, enum mp_heap_table *table,
                                size_t *at)
{
    uint64_t bytes = 0;
    *table = MP_HEAP_TYPES;
    *at = view->counts[MP_HEAP_TYPES];
    if (*at && *at < MP_HEAP_TYPES_FIRST)
        return "a type is missing";
    for (*at = 0; *at < view->counts[MP_HEAP_TYPES]; ++*at) {
        struct mp_heap_text name = view->types[*at].name;
        bytes += name.length;
        if ((uint64_t)name.offset + name.length > view->counts[MP_HEAP_TEXT])
            return "a text is not in the file";
        if (bytes > view->counts[MP_HEAP_TEXT])
            return "texts overlap";
    }
    *table = MP_HEAP_TYPED;
    for (*at = 0; *at < view->counts[MP_HEAP_TYPED]; ++*at) {
        const char *wrong = mp_heap_typed_check(view, &view->typed[*at]);
        if (wrong)
            return wrong;
    }
    return NULL;
}
