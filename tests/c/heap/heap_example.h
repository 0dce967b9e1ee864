/* A heap capture in a file, made by hand: a small program among libraries. */
#ifndef MP_TESTS_HEAP_EXAMPLE_H
#define MP_TESTS_HEAP_EXAMPLE_H

#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "store/heap/file.h"
#include "store/heap/read.h"

/* Unit n of each function is on its first line + n; unit 5 where unit 4 is. */
static const char example_lines[] = "\xd0\0\0\xd8\0\0\xd8\0\0\xd8\0\0\xd9\0\0";

static const struct example_function {
    const char *file, *name;
    int first;
} example_functions[] = {
    {"<frozen runpy>", "_run_code", 65},                                         /* 1 */
    {"/v/lib/python3.12/site-packages/memory_profiler/_heap_run.py", "run", 30}, /* 2 */
    {"/home/me/app.py", "<module>", 1},                                          /* 3 */
    {"/home/me/app.py", "load", 4},                                              /* 4 */
    {"/usr/lib/python3.12/json/decoder.py", "Decoder.decode", 300},              /* 5 */
    {"/v/lib/python3.12/site-packages/numpy/core.py", "zeros", 10},              /* 6 */
    {"/v/lib/python3.12/site-packages/numpy/lib/a.py", "pad", 20},               /* 7 */
    {"/home/me/pkg/__init__.py", "f\x1b[2J\xc3\xa9", 7},                         /* 8 */
    {"<frozen importlib._bootstrap>", "_load", 900},                             /* 9 */
    {"/usr/lib/python3.12/json/tool.py", "<module>", 1},                         /* 10 */
};

/* Of node 1 on; the figures are (bytes, blocks) at the peak, live, ever; temporary. */
static const struct example_stack {
    uint32_t parent, code, unit;
    int64_t at_peak, live;
    uint64_t total;
    uint32_t blocks_at_peak, live_blocks;
    uint64_t blocks, temporary;
} example_stacks[] = {
    {0, 1, 0, 0, 0, 0, 0, 0, 0, 0},                            /* 1 runpy */
    {1, 2, 3, 160, 0, 800, 1, 0, 16, 7},                       /* 2 _heap_run */
    {2, 3, 0, 2048, 2048, 4096, 2, 2, 4, 0},                   /* 3 app.py:1 */
    {3, 4, 1, 100 << 20, 512, 200 << 20, 1000, 1, 250000, 0},  /* 4 app.py:5 load */
    {4, 5, 3, 30 << 20, 0, 60 << 20, 40, 0, 1234567, 1200000}, /* 5 decoder.py:303 */
    {3, 5, 3, 10 << 20, 0, 20 << 20, 2, 0, 3, 1},              /* 6 the same elsewhere */
    {4, 4, 2, 0, 0, 0, 0, 0, 0, 0},                            /* 7 load in load */
    {7, 4, 2, 0, 0, 0, 0, 0, 0, 0},                            /* 8 and again */
    {8, 6, 0, 1 << 20, 1 << 20, 1 << 20, 3, 3, 3, 0},          /* 9 numpy */
    {3, 9, 0, 0, 0, 0, 0, 0, 0, 0},                            /* 10 importlib */
    {10, 8, 0, 1025, 0, 9999, 1, 0, 9, 9},                     /* 11 pkg */
    {9, 7, 4, 0, 4096, 4096, 0, 1, 1, 0},                      /* 12 numpy.lib */
    {0, 0, 0, 64, 64, 64, 1, 1, 1, 0},                         /* 13 no Python code */
    {9, 7, 5, 0, 1024, 1024, 0, 1, 1, 0},  /* 14 numpy.lib, again in that line */
    {2, 5, 1, 0, 0, 333, 0, 0, 3, 3},      /* 15 the library, at our start */
    {2, 10, 1, 0, 3000, 3000, 0, 1, 1, 0}, /* 16 the library as the program */
};

static inline struct mp_heap_text example_put_text(struct mp_heap *heap, const char *text,
                                                   size_t length)
{
    uint32_t at = (uint32_t)heap->header->counts[MP_HEAP_TEXT];
    assert_int_equal(mp_heap_reserve(heap, MP_HEAP_TEXT, length, MP_HEAP_FOR_LINES), 0);
    memcpy(heap->text + at, text, length);
    heap->header->counts[MP_HEAP_TEXT] += length;
    return (struct mp_heap_text){at, (uint32_t)length};
}

static inline void example_put_codes(struct mp_heap *heap)
{
    size_t count = sizeof example_functions / sizeof *example_functions;
    assert_int_equal(mp_heap_reserve(heap, MP_HEAP_CODES, count, MP_HEAP_FOR_LINES), 0);
    for (size_t i = 0; i < count; i++) {
        const struct example_function *function = &example_functions[i];
        heap->codes[heap->header->counts[MP_HEAP_CODES]++] = (struct mp_heap_code){
            .name = example_put_text(heap, function->name, strlen(function->name)),
            .file = example_put_text(heap, function->file, strlen(function->file)),
            .lines = example_put_text(heap, example_lines, sizeof example_lines - 1),
            .first_line = function->first};
    }
}

static inline void example_put_nodes(struct mp_heap *heap)
{
    size_t count = sizeof example_stacks / sizeof *example_stacks;
    assert_int_equal(mp_heap_reserve(heap, MP_HEAP_NODES, count, MP_HEAP_FOR_LINES), 0);
    for (size_t i = 0; i < count; i++) {
        const struct example_stack *stack = &example_stacks[i];
        heap->nodes[heap->header->counts[MP_HEAP_NODES]++] =
            (struct mp_heap_node){.parent = stack->parent,
                                  .code = stack->code,
                                  .instruction = stack->unit,
                                  .epoch = heap->header->epoch,
                                  .live = stack->live,
                                  .at_peak = stack->at_peak,
                                  .total = stack->total,
                                  .blocks = stack->blocks,
                                  .live_blocks = stack->live_blocks,
                                  .at_peak_blocks = stack->blocks_at_peak,
                                  .temporary = stack->temporary};
    }
}

/* Near the peak, where a GiB of the heap was never touched and the parts are more than there is;
   and at the end, where malloc's figures could not be had. */
static inline void example_put_balance(struct mp_heap_balance balance[MP_HEAP_READINGS])
{
    balance[MP_HEAP_NEAR_PEAK] = (struct mp_heap_balance){.time = 550000000,
                                                          .rss = 150 << 20,
                                                          .shared = 11 << 20,
                                                          .heap = 135 << 20,
                                                          .small = 30 << 20,
                                                          .mapped = 4 << 20,
                                                          .absent = 25 << 20,
                                                          .mapped_shared = 2 << 20,
                                                          .arenas = 40 << 20,
                                                          .pooled = 32 << 20,
                                                          .malloc_used = 103 << 20,
                                                          .malloc_free = 3 << 20,
                                                          .stacks = 160 << 10,
                                                          .libraries = 5 << 20,
                                                          .own = 12 << 20,
                                                          .own_shared = 1 << 20};
    balance[MP_HEAP_AT_END] = balance[MP_HEAP_NEAR_PEAK];
    balance[MP_HEAP_AT_END].rss = 160 << 20;
    balance[MP_HEAP_AT_END].heap = 1056960;
    balance[MP_HEAP_AT_END].small = 4096;
    balance[MP_HEAP_AT_END].absent = 0;
    balance[MP_HEAP_AT_END].malloc_used = -1;
    balance[MP_HEAP_AT_END].malloc_free = -1;
}

static inline void example_put_header(struct mp_heap_header *header)
{
    static const struct mp_heap_point points[] = {{0, 20 << 20, 1 << 20},
                                                  {500000000, 90 << 20, 60 << 20},
                                                  {600000000, 150 << 20, 141 << 20},
                                                  {600000000, 150 << 20, 50 << 20},
                                                  {900000000, 160 << 20, 2 << 20}};
    static const char command[MP_HEAP_COMMAND] =
        "python\0-m\0memory_profiler._heap_run\0a.mprof\0--\0app.py\0a\x1b b";
    memcpy(header->command, command, sizeof command);
    header->epoch = 7;
    header->pid = 4242;
    header->wall_start = 1795600000123456789;
    header->elapsed = 1000000000;
    header->peak = 141 << 20;
    header->live = 1059960;
    header->peak_time = 600000000;
    memcpy(header->series.points[0], points, sizeof points);
    header->series.count[0] = 5;
    example_put_balance(header->balance);
}

/* Two that together did what the stacks say. */
static inline void example_put_threads(struct mp_heap *heap)
{
    struct mp_heap_thread first = {4242, 1 << 20, 1 << 19, 1000, 999, 0},
                          second = {.id = 4243};
    uint64_t live_blocks = 0;
    for (size_t i = 0; i < sizeof example_stacks / sizeof *example_stacks; i++) {
        second.allocated += example_stacks[i].total;
        second.blocks += example_stacks[i].blocks;
        second.temporary += example_stacks[i].temporary;
        live_blocks += example_stacks[i].live_blocks;
    }
    second.allocated -= first.allocated;
    second.freed = second.allocated;
    second.blocks -= first.blocks;
    second.frees = second.blocks + first.blocks - live_blocks - first.frees;
    assert_int_equal(mp_heap_reserve(heap, MP_HEAP_THREADS, 2, MP_HEAP_FOR_LINES), 0);
    struct mp_heap_thread *at = &heap->threads[heap->header->counts[MP_HEAP_THREADS]];
    at[0] = first;
    at[1] = second;
    heap->header->counts[MP_HEAP_THREADS] += 2;
}

static inline const char *example_write(void)
{
    static char path[64];
    struct mp_heap_file file;
    snprintf(path, sizeof path, "/tmp/heap-views-%d", (int)getpid());
    unlink(path);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_int_equal(mp_heap_file_open(&file, fd, path, 0), 0);
    example_put_header(file.heap.header);
    example_put_codes(&file.heap);
    example_put_nodes(&file.heap);
    example_put_threads(&file.heap);
    assert_int_equal(mp_heap_file_finish(&file), 0);
    mp_heap_file_release(&file);
    return path;
}

static inline void example_read(struct mp_heap_capture *capture)
{
    const char *path = example_write();
    assert_int_equal(mp_heap_read(capture, path), MP_HEAP_OK);
    unlink(path);
}

#endif
