/* The heaps of several processes as one: equal stacks are one stack, with the sums of their
 * figures. Codes are equal when name, file, first line and table are, wherever they were numbered.
 *
 * At the peak means each process at its own peak: the sum is not what they held at once. That is
 * in the series, where each moment is the sum of what was last seen of each process.
 */
#ifndef MP_AGGREGATE_HEAP_MERGE_H
#define MP_AGGREGATE_HEAP_MERGE_H

#include "record/heap.h"

/* Hash table of numbers; 0 is an empty slot. */
struct mp_heap_merge_index {
    uint32_t *slots; /* owned */
    size_t mask;
};

/* What a process has more, or less, from a moment on. */
struct mp_heap_change {
    int64_t time; /* ns since 1970 */
    int64_t rss, heap;
    bool seen; /* a sample; else the end of its process */
};

struct mp_heap_merge {
    struct mp_heap_header header;
    struct mp_heap_node *nodes; /* owned, as the others */
    struct mp_heap_code *codes;
    char *text;
    struct mp_heap_thread *threads; /* [0] of all that had no room for more */
    struct mp_heap_change *changes;
    size_t node_count, node_room, code_count, code_room, text_size, text_room;
    size_t thread_count, thread_room, change_count, change_room;
    struct mp_heap_merge_index by_stack, by_code;
    size_t processes;
};

/* 0, or -1 with errno ENOMEM. The caller releases it either way. */
int mp_heap_merge_init(struct mp_heap_merge *);
void mp_heap_merge_release(struct mp_heap_merge *);

/* Adds a process; the first one added gives its name to the whole. 0, or -1 with errno ENOMEM. */
int mp_heap_merge_add(struct mp_heap_merge *, const struct mp_heap_view *);

/* What was added until now. Borrows. */
struct mp_heap_view mp_heap_merge_view(struct mp_heap_merge *);

#endif
