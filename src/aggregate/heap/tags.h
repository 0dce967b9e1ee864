/* A heap by the tags of its program: what was allocated below each of their borders, whatever the stack. */
#ifndef MP_AGGREGATE_HEAP_TAGS_H
#define MP_AGGREGATE_HEAP_TAGS_H

#include "aggregate/heap/lines.h"

/* Tags by their names: inside and outside of a recording in the recording, one has two borders. */
struct mp_heap_tag_order {
    uint32_t *tags; /* owned: positions in the table */
    size_t count;
};

/* 0, or -1; the caller releases it either way. */
int mp_heap_tag_order_init(struct mp_heap_tag_order *, const struct mp_heap_view *);
void mp_heap_tag_order_release(struct mp_heap_tag_order *);

/* Whether the one before has another name. */
bool mp_heap_tag_order_is_new(const struct mp_heap_tag_order *, const struct mp_heap_view *,
                              size_t position);

struct mp_heap_tagged {
    struct mp_heap_text name; /* of no length: what has no tag */
    struct mp_heap_line sum;
    uint32_t
        code; /* and the line that most of it is charged to at the peak; code 0: none */
    int line;
    int64_t most; /* bytes there */
};

struct mp_heap_tags {
    struct mp_heap_tagged *tags; /* owned; the first is what has none; each name once */
    size_t count;
    uint32_t *of; /* owned: of each node, its tag's position */
};

/* Of lines that were found with who called them. 0, or -1 with errno ENOMEM; the caller releases it either way. */
int mp_heap_tags_init(struct mp_heap_tags *, const struct mp_heap_view *,
                      const struct mp_heap_lines *);
void mp_heap_tags_release(struct mp_heap_tags *);

#endif
