#include "store/heap/holes.h"

enum { PAGE = 1 << 12, SOME_TEXT = 64 /* so much of it is never all zeros */ };

/* Never more than is mapped: whoever cut it may have written to it. */
static size_t count_of(const struct mp_heap *heap, enum mp_heap_table table)
{
    uint64_t count = heap->header->counts[table];
    return count < heap->room[table] ? (size_t)count : heap->room[table];
}

static bool is_zero(const char *bytes, size_t length)
{
    return !*bytes && !memcmp(bytes, bytes + 1, length - 1);
}

/* But the root, which is the first, each has a code, or an instruction: a kind, a border's number. */
static bool lacks_node(const struct mp_heap *heap, size_t i)
{
    const struct mp_heap_node *node = &heap->nodes[i];
    return !node->parent && !node->code && !node->instruction;
}

static bool lacks_code(const struct mp_heap *heap, size_t i)
{
    return is_zero((const char *)&heap->codes[i], sizeof *heap->codes);
}

static bool lacks_thread(const struct mp_heap *heap, size_t i)
{
    return !heap->threads[i].id;
}

/* One of each page, and the last one. */
static bool lacks_item(const struct mp_heap *heap, enum mp_heap_table table,
                       bool (*lacks)(const struct mp_heap *, size_t))
{
    size_t count = count_of(heap, table), step = PAGE / mp_heap_item_size(table);
    for (size_t i = 1; i < count; i += step)
        if (lacks(heap, i))
            return true;
    return count > 1 && lacks(heap, count - 1);
}

static bool lacks_text(const struct mp_heap *heap)
{
    size_t count = count_of(heap, MP_HEAP_TEXT);
    for (size_t at = 0; at + SOME_TEXT <= count; at += PAGE)
        if (is_zero(heap->text + at, count - at < PAGE ? count - at : PAGE))
            return true;
    return false;
}

bool mp_heap_has_holes(const struct mp_heap *heap)
{
    return lacks_item(heap, MP_HEAP_NODES, lacks_node) ||
           lacks_item(heap, MP_HEAP_CODES, lacks_code) ||
           lacks_item(heap, MP_HEAP_THREADS, lacks_thread) || lacks_text(heap);
}
