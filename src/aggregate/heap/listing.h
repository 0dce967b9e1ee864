/* One source file in a heap capture, line by line: what each allocated itself, and what it holds
 * with all that it called.
 *
 *     main:3 ─┬─► load:7 (5 MiB)       cumulative: main:3 has 6 MiB, load:7 has 6 MiB,
 *             └─► load:7 ─► load:8 (1 MiB)         load:8 has 1 MiB
 *
 * A block counts once for each line of its stack, however often that recurs.
 */
#ifndef MP_AGGREGATE_HEAP_LISTING_H
#define MP_AGGREGATE_HEAP_LISTING_H

#include "aggregate/heap/lines.h"

struct mp_heap_listed {
    struct mp_heap_line self; /* its number and what it allocated itself */
    struct mp_heap_sum cumulative;
};

struct mp_heap_function {
    uint32_t code;
    int first, last; /* lines, decorators included */
};

struct mp_heap_listing {
    struct mp_heap_text file;
    struct mp_heap_listed whole;  /* the file's */
    struct mp_heap_listed *lines; /* owned; by number, each number once */
    size_t count;
    struct mp_heap_function *functions; /* owned; those on a stack, by first line */
    size_t function_count;
};

/* 0, or -1 with errno ENOMEM. */
int mp_heap_listing_init(struct mp_heap_listing *, const struct mp_heap_view *,
                         const struct mp_heap_lines *, struct mp_heap_text file);
void mp_heap_listing_release(struct mp_heap_listing *);

#endif
