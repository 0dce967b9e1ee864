/* The heaps of several processes as one: equal stacks are one stack, with the sums of their
 * figures. Codes are equal when name, file, first line and table are, wherever they were numbered.
 *
 * At the peak means each process at its own peak: the sum is not what they held at once. That is
 * in the series, where each moment is the sum of what was last seen of each process. Of processes
 * with several clocks, those of different machines, there is no such moment, and no series.
 */
#ifndef MP_AGGREGATE_HEAP_MERGE_H
#define MP_AGGREGATE_HEAP_MERGE_H

#include "aggregate/heap/merge_types.h"
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
    int64_t least, most; /* what the heap may have been until the next one */
    size_t order;        /* among those of one moment */
    bool seen;           /* a sample; else the end of its process */
};

/* When a process began, and what it may still have held, bytes, when its file was left open. */
struct mp_heap_life {
    uint64_t run;
    int64_t pid, start, left;
};

/* What a process held itself in a stack of the whole at its peak. */
struct mp_heap_share {
    uint32_t node, process; /* the number of the process among those added */
    int64_t bytes;
};

struct mp_heap_merge {
    struct mp_heap_header header;
    struct mp_heap_node *nodes;   /* owned, as the others */
    struct mp_heap_delta *growth; /* of each node; NULL where the processes have none */
    struct mp_heap_code *codes;
    char *text;
    struct mp_heap_thread *threads; /* [0] of all that had no room for more */
    struct mp_heap_change *changes;
    struct mp_heap_life *lives; /* of all that were added */
    size_t node_count, node_room, growth_room, code_count, code_room, text_size, text_room;
    size_t thread_count, thread_room, change_count, change_room;
    size_t life_count, life_room;
    struct mp_heap_merge_index by_stack, by_code;
    struct mp_heap_merge_types types;
    size_t processes;
    int64_t longest;                  /* that one lasted, ns */
    struct mp_heap_bounds together;   /* of what they held at once */
    bool unbounded;                   /* it is not known of one */
    struct mp_heap_tag *words, *tags; /* owned: each tag once, and each of their borders */
    size_t word_count, word_room, tag_count, tag_room;
    bool keeps_shares;
    struct mp_heap_share *shares; /* owned; where they are kept */
    size_t share_count, share_room;
    bool several_clocks;
};

/* `keeps_shares` and `types.at` may be set before a process is added. 0, or -1 with errno ENOMEM. The caller releases it
   either way. */
int mp_heap_merge_init(struct mp_heap_merge *);
void mp_heap_merge_release(struct mp_heap_merge *);

/* Adds a process; the first one added gives its name to the whole. 0, or -1 with errno ENOMEM. */
int mp_heap_merge_add(struct mp_heap_merge *, const struct mp_heap_view *);

/* For the adding of stacks: keeps what the process being added held at its peak. 0, or -1 with errno ENOMEM. */
int mp_heap_merge_keep_share(struct mp_heap_merge *, uint32_t node, int64_t bytes);

/* Likewise: of each node that is a tag's border its instruction here, else 0; owned by the caller,
   NULL where there are no tags. And a node with such an instruction came to be. 0, or -1 with errno ENOMEM. */
int mp_heap_merge_tags(struct mp_heap_merge *, const struct mp_heap_view *,
                       uint32_t **instructions);
int mp_heap_merge_tag_border(struct mp_heap_merge *, uint32_t instruction, uint32_t node);

/* Likewise: the changes of its series. 0, or -1 with errno ENOMEM. */
int mp_heap_merge_series_add(struct mp_heap_merge *, const struct mp_heap_view *);

/* The series of all that were added, and the bounds of what they held together. */
void mp_heap_merge_series_sum(struct mp_heap_merge *);

/* What was added until now. Borrows. */
struct mp_heap_view mp_heap_merge_view(struct mp_heap_merge *);

#endif
