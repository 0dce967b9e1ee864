/* A capture in memory, made by hand: stacks with what they hold. */
#ifndef MP_TESTS_STACKS_H
#define MP_TESTS_STACKS_H

#include "unit.h"

#include "store/heap/file.h"

/* Two instructions a line: each entry is two code units, on the next line. */
static const char stacks_lines[] = {(char)0xd9, 0, 0, (char)0xd9, 0, 0, (char)0xd9, 0, 0};

static struct mp_heap_file stacks_file;

static inline struct mp_heap_text stacks_text(const char *bytes, size_t length)
{
    struct mp_heap *heap = &stacks_file.heap;
    assert_int_equal(mp_heap_reserve(heap, MP_HEAP_TEXT, length, MP_HEAP_FOR_LINES), 0);
    uint32_t at = (uint32_t)heap->header->counts[MP_HEAP_TEXT];
    memcpy(heap->text + at, bytes, length);
    heap->header->counts[MP_HEAP_TEXT] += length;
    return (struct mp_heap_text){at, (uint32_t)length};
}

/* A function whose first instructions are on line 10. */
static inline uint32_t stacks_code(const char *file, const char *name)
{
    struct mp_heap *heap = &stacks_file.heap;
    assert_int_equal(mp_heap_reserve(heap, MP_HEAP_CODES, 1, MP_HEAP_FOR_LINES), 0);
    uint32_t id = (uint32_t)heap->header->counts[MP_HEAP_CODES];
    heap->codes[id] = (struct mp_heap_code){
        .name = stacks_text(name, strlen(name)),
        .file = stacks_text(file, strlen(file)),
        .lines = stacks_text(stacks_lines, sizeof stacks_lines),
        .first_line = 9,
    };
    return (uint32_t)heap->header->counts[MP_HEAP_CODES]++;
}

/* A stack that holds `bytes` in a block, and held and freed as many before. */
static inline uint32_t stacks_add(uint32_t parent, uint32_t code, uint32_t instruction,
                                  int64_t bytes)
{
    struct mp_heap *heap = &stacks_file.heap;
    assert_int_equal(mp_heap_reserve(heap, MP_HEAP_NODES, 1, MP_HEAP_FOR_LINES), 0);
    uint32_t id = (uint32_t)heap->header->counts[MP_HEAP_NODES]++;
    heap->nodes[id] = (struct mp_heap_node){.parent = parent,
                                            .code = code,
                                            .instruction = instruction,
                                            .live = bytes,
                                            .live_blocks = bytes > 0,
                                            .total = 2 * (uint64_t)bytes,
                                            .blocks = bytes > 0 ? 2 : 0};
    return id;
}

/* Eight functions to begin with, codes 1 to 8. */
static inline void stacks_start(void)
{
    assert_int_equal(mp_heap_file_open(&stacks_file, -1, NULL, 0), 0);
    while (stacks_file.heap.header->counts[MP_HEAP_CODES] < 9)
        stacks_code("work.py", "work");
}

static inline void stacks_end(void)
{
    mp_heap_file_release(&stacks_file);
}

#endif
