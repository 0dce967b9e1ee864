#include "store/heap/holders.h"

/* Of a type or a line: many rows may have the same one, which each of them prints. */
enum { LONGEST_NAME = 1 << 12 };

/* Where the texts go: where those before were, if they have the room. -1 with errno: nowhere. Who may write to the file
   may have changed where that is. */
static int64_t make_room(struct mp_heap *heap, size_t size)
{
    struct mp_heap_holders_asked *its = &heap->header->holders;
    uint64_t *texts = &heap->header->counts[MP_HEAP_TEXT];
    uint32_t at = its->text;
    if (size <= its->room && (uint64_t)at + size <= heap->room[MP_HEAP_TEXT])
        return at;
    if (mp_heap_reserve(heap, MP_HEAP_TEXT, size, MP_HEAP_FOR_LINES))
        return -1;
    at = (uint32_t)*texts;
    its->text = at;
    its->room = (uint32_t)size;
    *texts += size;
    return at;
}

static void put_holders(struct mp_heap *heap, const struct mp_heap_holder_rows *from,
                        uint32_t at)
{
    for (size_t i = 0; i < from->count; i++) {
        heap->holders[i] = from->rows[i];
        heap->holders[i].of += at;
        heap->holders[i].path += at;
    }
}

static void put_waste(struct mp_heap *heap, const struct mp_heap_waste_rows *from,
                      uint32_t at)
{
    for (size_t i = 0; i < from->count; i++) {
        heap->waste[i] = from->rows[i];
        heap->waste[i].of += at;
        heap->waste[i].place += at;
        heap->waste[i].path += at;
    }
}

int mp_heap_keep_holders(struct mp_heap *heap, int64_t time, uint32_t of,
                         const struct mp_heap_holder_rows *holders,
                         const struct mp_heap_waste_rows *waste)
{
    uint64_t *counts = heap->header->counts;
    __atomic_store_n(&counts[MP_HEAP_HOLDERS], 0, __ATOMIC_RELEASE);
    __atomic_store_n(&counts[MP_HEAP_WASTE], 0, __ATOMIC_RELEASE);
    heap->header->holders.of = of; /* of none, too */
    int64_t at = make_room(heap, holders->size + waste->size);
    if (at < 0 ||
        mp_heap_reserve(heap, MP_HEAP_HOLDERS, holders->count, MP_HEAP_FOR_LINES) ||
        mp_heap_reserve(heap, MP_HEAP_WASTE, waste->count, MP_HEAP_FOR_LINES))
        return -1;
    memcpy(heap->text + at, holders->text, holders->size);
    memcpy(heap->text + at + holders->size, waste->text, waste->size);
    heap->header->holders.time = time;
    put_holders(heap, holders, (uint32_t)at);
    put_waste(heap, waste, (uint32_t)((uint64_t)at + holders->size));
    __atomic_store_n(&counts[MP_HEAP_WASTE], waste->count, __ATOMIC_RELEASE);
    __atomic_store_n(&counts[MP_HEAP_HOLDERS], holders->count, __ATOMIC_RELEASE);
    return 0;
}

const char *mp_heap_holders_check(const struct mp_heap_view *view, size_t *at)
{
    uint64_t bytes = 0, owners = 0, room = view->counts[MP_HEAP_TEXT];
    for (*at = 0; *at < view->counts[MP_HEAP_HOLDERS]; ++*at) {
        const struct mp_heap_holder *row = &view->holders[*at];
        bytes += row->path_length;
        if (row->kind >= MP_HEAP_HOLDER_KINDS)
            return "its kind is not known";
        if ((uint64_t)row->of + row->of_length > room ||
            (uint64_t)row->path + row->path_length > room)
            return "a text is not in the file";
        if (bytes > room)
            return "texts overlap";
        if (row->of_length > LONGEST_NAME)
            return "the name of what is held is too long";
        if (row->kind == MP_HEAP_HOLDER_OWNER && row->others > owners)
            return "what keeps it comes later";
        owners += row->kind == MP_HEAP_HOLDER_OWNER;
    }
    return NULL;
}
