/* Whose bytes are: those of a library's line are the user's line's that led there. */
#ifndef MP_AGGREGATE_HEAP_CHARGED_H
#define MP_AGGREGATE_HEAP_CHARGED_H

#include "aggregate/heap/lines.h"

struct mp_heap_charged {
    const struct mp_heap_lines *lines; /* borrowed */
    uint32_t *positions; /* owned: of each line, by its number, + 1; 0: there is none */
};

/* 0, or -1 with errno ENOMEM. */
int mp_heap_charged_init(struct mp_heap_charged *, const struct mp_heap_lines *);
void mp_heap_charged_release(struct mp_heap_charged *);

/* The line of that number; NULL: none is shown, it is our own. */
const struct mp_heap_line *mp_heap_charged_line(const struct mp_heap_charged *,
                                                uint32_t number);

/* The number of the line that a node's bytes are charged to. */
uint32_t mp_heap_charged_to(const struct mp_heap_charged *, uint32_t node);

#endif
