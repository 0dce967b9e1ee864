/* A heap as what was allocated under some of its tags alone: all other stacks have no figures, and the peak is what
 * these held at that of all. What cannot be told apart by tags, RSS, moments and types, is not there.
 */
#ifndef MP_AGGREGATE_HEAP_TAG_CHOICE_H
#define MP_AGGREGATE_HEAP_TAG_CHOICE_H

#include "record/heap.h"

struct mp_heap_tag_choice {
    struct mp_heap_view view;      /* borrows the other tables */
    size_t chosen;                 /* borders of tags that are like the pattern */
    struct mp_heap_header *header; /* owned, as these */
    struct mp_heap_node *nodes;
    struct mp_heap_delta *growth;
    struct mp_heap_thread sum;
};

/* The pattern is one as shells have them. 0, or -1 with errno ENOMEM; the caller releases it either way, and
   leaves it where it is meanwhile. */
int mp_heap_tag_choice_init(struct mp_heap_tag_choice *, const struct mp_heap_view *,
                            const char *pattern);
void mp_heap_tag_choice_release(struct mp_heap_tag_choice *);

#endif
