/* A heap whose tags are frames: "[request=/search]" calls all that ran under it, in graphs and trees.
 *
 *     root ─┬─ main:3 ── load:7               root ─┬─ main:3 ── load:7
 *           └─ border ── main:5 ── load:7           └─ [request=/search] ── main:5 ── load:7
 */
#ifndef MP_AGGREGATE_HEAP_TAG_FRAMES_H
#define MP_AGGREGATE_HEAP_TAG_FRAMES_H

#include "record/heap.h"

struct mp_heap_tag_frames {
    struct mp_heap_view view;   /* borrows the other tables */
    struct mp_heap_node *nodes; /* owned, as these */
    struct mp_heap_code *codes;
    char *text;
};

/* Tags of one name are one. 0, or -1 with errno ENOMEM; the caller releases it either way. */
int mp_heap_tag_frames_init(struct mp_heap_tag_frames *, const struct mp_heap_view *);
void mp_heap_tag_frames_release(struct mp_heap_tag_frames *);

#endif
